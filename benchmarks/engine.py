"""The compiled engine against the frameworks, on models of several kinds: three epochs, compiling included.

    python benchmarks/engine.py [rounds] [isa]

Every variant is a separate process with one thread, and they take turns; what is timed is training, not the imports. With
AVX2 as the second argument, all of them are held to that instruction set. About 20 minutes for three rounds on a quiet
machine. Writes its table into docs/performance.md.
"""

import importlib.util
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measure import ROOT, answer_of, interleaved, machine, ratios, spread, table, write_section
from one_model import BATCH, RATE, clocked, data, exported, task

EPOCHS = 3
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"}


@dataclass(frozen=True)
class Design:
    """A model in both frameworks, how many images an epoch has, and the least times faster, by AVX-512 and AVX2."""

    name: str
    member: dict[str, object] | None
    images: int
    eager: tuple[float, float | None]
    fit: float | None

    def source(self, framework: str) -> str:
        """A student's file."""
        from harness.records.framework import Framework
        from harness.tasks.family import Member, source

        if self.member is None:
            short = {"torch": "torch", "tensorflow": "keras"}[framework]
            return (ROOT / "tests" / "submissions" / f"batchnorm_dropout_{short}" / "model.py").read_text()
        return source(Member(**self.member), Framework(framework))


DESIGNS = (
    Design("LeNet-5, relu, max", {}, 55_000, (3.7, 2.8), 3.6),
    Design("LeNet-5, tanh, average", {"activation": "tanh", "pool": "average"}, 55_000, (3.2, 2.5), 3.2),
    Design(
        "8 and 16 filters of 3x3",
        {"kernel": (3, 3), "filters": (8, 16), "padding": ("same", "same"), "hidden": (64,)},
        55_000,
        (4.5, None),
        None,
    ),
    Design("LeNet-5, batch normalization, dropout", None, 55_000, (2.8, None), None),
    Design(
        "32 and 64 filters of 5x5, 3.27 million parameters",
        {"filters": (32, 64), "padding": ("same", "same"), "hidden": (1024,)},
        6_400,
        (1.4, None),
        None,
    ),
)
HOW = ("engine torch", "eager", "engine tensorflow", "fit")


def variant(number: int, how: str, isa: str) -> dict[str, float]:
    """Processor seconds of three epochs."""
    design = DESIGNS[number]
    framework = {"eager": "torch", "fit": "tensorflow"}.get(how, how.removeprefix("engine "))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.py"
        path.write_text(design.source(framework))
        if how == "eager":
            return eager(built(path), design.images)
        if how == "fit":
            return fit(path, design.images)
        return engine(exported(framework, path), framework, design.images, isa)


def built(path: Path):
    """What the student's own code builds."""
    spec = importlib.util.spec_from_file_location("model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build_model()


def engine(artifact, framework: str, images: int, isa: str) -> dict[str, float]:
    from harness.engine import trainee
    from harness.engine.compiled import HOSTS
    from harness.records.inputs import arrange

    train, labels, _, _ = data(images)
    train = arrange(train, (1, 28, 28) if framework == "torch" else (28, 28, 1))
    orders = np.random.default_rng(0)

    def epochs():
        model = trainee.load(task(artifact), HOSTS[isa] if isa else None)
        for _ in range(EPOCHS):
            model.train_epoch(train, labels, orders.permutation(images), BATCH, np.ones(-(-images // BATCH)))

    return clocked(epochs)


def eager(model, images: int) -> dict[str, float]:
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    train, labels, _, _ = data(images)
    inputs, targets = torch.from_numpy(train.copy())[:, None].float() / 255, torch.from_numpy(labels.copy()).long()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)

    def epochs():
        model.train()
        for _ in range(EPOCHS):
            for part in torch.randperm(images).split(BATCH):
                optimizer.zero_grad()
                functional.cross_entropy(model(inputs[part]), targets[part]).backward()
                optimizer.step()

    return clocked(epochs)


def fit(path: Path, images: int) -> dict[str, float]:
    from harness.backends.tensorflow.imported import keras

    model = built(path)
    train, labels, _, _ = data(images)
    train = train[..., None].astype(np.float32) / 255
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(RATE), loss)
    return clocked(lambda: model.fit(train, labels, batch_size=BATCH, epochs=EPOCHS, verbose=0))


def run(number: int, how: str, isa: str) -> dict[str, float]:
    from harness.sandbox.job import FRAMEWORK_ENVIRONMENT

    settings = {"TF_ENABLE_ONEDNN_OPTS": "1"} if how in ("eager", "fit") else FRAMEWORK_ENVIRONMENT
    settings = {**settings, **(AVX2 if isa == "AVX2" else {})}
    return answer_of([sys.executable, __file__, "--variant", str(number), how, isa], settings)


def row(number: int, rounds: int, isa: str) -> tuple[str, ...]:
    design = DESIGNS[number]
    found = interleaved({how: lambda how=how: run(number, how, isa) for how in HOW}, rounds)
    used = {how: found[how]["processor"] for how in HOW}
    least = design.eager[1 if isa == "AVX2" else 0]
    seconds = " / ".join(f"{statistics.median(used[how]):.2f}" for how in HOW)
    eager_times, fit_times = (
        ratios(used[theirs], used[mine]) for mine, theirs in (("engine torch", "eager"), ("engine tensorflow", "fit"))
    )
    return design.name, seconds, spread(eager_times), f"{least or ''}", spread(fit_times), f"{design.fit or ''}"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    isa = sys.argv[2] if len(sys.argv) > 2 else ""
    rows = [row(number, rounds, isa) for number in range(len(DESIGNS))]
    header = (
        "three epochs",
        "engine / eager / engine / `fit`, processor seconds",
        "to eager",
        "at least",
        "to `fit`",
        "at least",
    )
    note = (
        f"Medians of {rounds} rounds in turns, minimum and maximum in parentheses; epochs of 55,000 images, of 6,400 for "
        f"the last model. {'Held to AVX2. ' if isa else ''}{machine()}"
    )
    write_section("engine_avx2" if isa else "engine", f"{table(header, rows)}\n\n{note}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--variant"]:
        print(json.dumps(variant(int(sys.argv[2]), *sys.argv[3:5])))
    else:
        main()
