"""One LeNet-5, one epoch of 55,000 images in batches of 128: the harness against typical hand-written code.

    python benchmarks/one_model.py [rounds] [images]

Five rounds take about 7 minutes on a quiet machine. Every variant is a separate process with one thread, and they are
interleaved; what is timed is the epoch, and compiling it, but not the imports. All use Adam at 3e-3, falling to 0 in a line, and the same images.
Writes its table and the profile of a step into docs/performance.md.
"""

import importlib
import importlib.util
import json
import resource
import statistics
import sys
import time
import types

import numpy as np
from measure import ROOT, answer_of, interleaved, machine, ratios, spread, table, write_section

IMAGES, BATCH, RATE = 55_000, 128, 3e-3
FLOPS = 2 * (3 * 416_520 - 117_600)
"""Of one image: forward, gradients of weights, gradients of inputs but that of the image itself."""

NAMES = {
    "ours_torch": "harness, a PyTorch submission",
    "eager": "PyTorch eager, data in one tensor",
    "tensors": "PyTorch, DataLoader over a TensorDataset",
    "samples": "PyTorch, DataLoader over per-sample transforms",
    "ours_tensorflow": "harness, a Keras submission",
    "path_torch": 'harness, `engine = "framework"`, PyTorch',
    "path_tensorflow": 'harness, `engine = "framework"`, Keras',
    "fit": "Keras `fit` on arrays",
    "limit": "limit: fp32 matrix product",
}
PAIRS = (
    ("ours_torch", "eager", 3.7),
    ("ours_torch", "tensors", None),
    ("ours_torch", "samples", None),
    ("ours_tensorflow", "fit", 3.6),
    ("path_torch", "eager", 1.25),
    ("path_tensorflow", "fit", 1.2),
)
"""Ours, theirs, and the target ratio."""


def data(images):
    from harness.datasets import mnist

    whole = mnist.load()
    return whole.train_images[:images], whole.train_labels[:images], whole.test_images, whole.test_labels


def shares(images):
    steps = -(-images // BATCH)
    return 1 - np.arange(steps) / steps


def clocked(epoch):
    """Processor and wall seconds of this process for one call."""
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    epoch()
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"processor": used, "wall": time.perf_counter() - started, "kernel": after.ru_stime - before.ru_stime}


def exported(framework, path):
    """A submission's artifact, exported and translated."""
    from harness.artifact.audit import audit
    from harness.backends.source import Sources
    from harness.child.worker import import_backend
    from harness.handins.discover import take_in

    submission = take_in(path)
    sources = Sources(submission.files, submission.entry, submission.framework)
    return audit(import_backend(framework).build(sources, 0)).artifact


def ours(framework, images, trainer):
    """A trainer of the harness, given the reference model; loading includes compiling."""
    from harness.records.inputs import arrange

    artifact = exported(framework, ROOT / "reference" / f"lenet5_{'torch' if framework == 'torch' else 'keras'}")
    train, labels, test, answers = data(images)
    shape = (1, 28, 28) if framework == "torch" else (28, 28, 1)
    train, test = arrange(train, shape), arrange(test, shape)
    order, trainees = np.random.default_rng(0).permutation(images), []

    def epoch():
        trainees.append(trainer.load(task(artifact)))
        trainees[0].train_epoch(train, labels, order, BATCH, shares(images))

    used = clocked(epoch)
    return {**used, "accuracy": float((trainees[0].predict(test).argmax(axis=1) == answers).mean())}


def by_engine(framework, images):
    from harness.engine import trainee

    return ours(framework, images, trainee)


def by_framework(framework, images):
    from harness.child.worker import import_backend

    return ours(framework, images, import_backend(framework))


def task(artifact):
    from harness.jobs.train import Optimizer
    from harness.jobs.trainee import Task
    from harness.records.graph import OutputKind

    return Task(artifact.graph, artifact.weights[0], OutputKind.LOGITS, Optimizer("adam", RATE, 0, 0.9, 0.999, 1e-8), 0)


def pytorch(images, batches_of):
    """A usual script: model, Adam, schedule, a loop over batches."""
    import torch
    from torch.nn import functional

    from reference.lenet5_torch.model import build_model

    torch.set_num_threads(1)
    torch.manual_seed(0)
    train, labels, test, answers = data(images)
    model = build_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=-(-images // BATCH))
    batches = batches_of(torch, train, labels)

    def epoch():
        model.train()
        for inputs, targets in batches():
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            falling.step()

    used = clocked(epoch)
    with torch.no_grad():
        found = model.eval()(torch.from_numpy(test.copy())[:, None].float() / 255).argmax(dim=1).numpy()
    return {**used, "accuracy": float((found == answers).mean())}


def one_tensor(torch, images, labels):
    inputs, targets = torch.from_numpy(images.copy())[:, None].float() / 255, torch.from_numpy(labels.copy()).long()
    return lambda: ((inputs[part], targets[part]) for part in torch.randperm(len(inputs)).split(BATCH))


def tensor_dataset(torch, images, labels):
    from torch.utils.data import DataLoader, TensorDataset

    inputs, targets = torch.from_numpy(images.copy())[:, None].float() / 255, torch.from_numpy(labels.copy()).long()
    loader = DataLoader(TensorDataset(inputs, targets), BATCH, shuffle=True)
    return lambda: iter(loader)


def per_sample(torch, images, labels):
    """As in every tutorial: torchvision's transforms of a PIL image, one sample at a time."""
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    transforms = torchvision_transforms()
    change = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    pixels = torch.from_numpy(images.copy())

    class Samples(Dataset):
        """Line by line what `torchvision.datasets.MNIST` does."""

        def __len__(self):
            return len(pixels)

        def __getitem__(self, index):
            return change(Image.fromarray(pixels[index].numpy())), int(labels[index])

    return lambda: iter(DataLoader(Samples(), BATCH, shuffle=True))


def torchvision_transforms():
    """torchvision's own, without its compiled operators: those load beside one build of PyTorch only."""
    package = types.ModuleType("torchvision")
    package.__path__ = list(importlib.util.find_spec("torchvision").submodule_search_locations)
    sys.modules["torchvision"] = package
    return importlib.import_module("torchvision.transforms.transforms")


def fit(images):
    from harness.backends.tensorflow.imported import keras
    from reference.lenet5_keras.model import build_model

    keras.utils.set_random_seed(0)
    train, labels, test, answers = data(images)
    train, test = train[..., None].astype(np.float32) / 255, test[..., None].astype(np.float32) / 255
    model = build_model()
    rate = keras.optimizers.schedules.PolynomialDecay(RATE, -(-images // BATCH), 0.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    used = clocked(lambda: model.fit(train, labels, batch_size=BATCH, epochs=1, verbose=0))
    found = model.predict(test, batch_size=500, verbose=0).argmax(axis=1)
    return {**used, "accuracy": float((found == answers).mean())}


def limit(images):
    """Seconds that so many images would take if all of it were one large matrix product."""
    import torch

    torch.set_num_threads(1)
    left, right = torch.rand(1024, 1024), torch.rand(1024, 1024)
    left @ right
    used = clocked(lambda: [left @ right for _ in range(40)])
    return {name: value * images * FLOPS / (40 * 2 * 1024**3) for name, value in used.items()}


VARIANTS = {
    "ours_torch": lambda images: by_engine("torch", images),
    "ours_tensorflow": lambda images: by_engine("tensorflow", images),
    "path_torch": lambda images: by_framework("torch", images),
    "path_tensorflow": lambda images: by_framework("tensorflow", images),
    "eager": lambda images: pytorch(images, one_tensor),
    "tensors": lambda images: pytorch(images, tensor_dataset),
    "samples": lambda images: pytorch(images, per_sample),
    "fit": fit,
    "limit": limit,
}


def run(name, images):
    from harness.sandbox.job import FRAMEWORK_ENVIRONMENT

    settings = FRAMEWORK_ENVIRONMENT if name.startswith(("ours", "path")) else {"TF_ENABLE_ONEDNN_OPTS": "1"}
    return answer_of([sys.executable, __file__, "--variant", name, str(images)], settings)


def measured(rounds, images):
    return interleaved({name: lambda name=name: run(name, images) for name in NAMES}, rounds)


def profile(images):
    """Where a step of the engine spends its time: the share of each kind of work in 100 steps."""
    from steps import profiled_steps

    shares_of = profiled_steps(exported("torch", ROOT / "reference" / "lenet5_torch"), data(images)[:2])
    return table(("part of a step", "share"), [(name, f"{share:.0%}") for name, share in shares_of])


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    images = int(sys.argv[2]) if len(sys.argv) > 2 else IMAGES
    found = measured(rounds, images)
    write_section("one_model", page(found, rounds, images))


def page(found, rounds, images):
    least = statistics.median(found["limit"]["processor"])
    rows = []
    for name, title in NAMES.items():
        used = found[name]
        middle = statistics.median(used["processor"])
        accuracy = f"{100 * statistics.median(used['accuracy']):.2f} %" if "accuracy" in used else ""
        rate, share = f"{images / middle:,.0f}", f"{least / middle:.0%}"
        rows.append((title, spread(used["processor"]), spread(used["wall"]), rate, share, accuracy))
    header = (
        "one epoch",
        "processor seconds",
        "wall seconds",
        "images per processor second",
        "share of limit",
        "accuracy",
    )
    compared = []
    for mine, other, aim in PAIRS:
        times = ratios(found[other]["processor"], found[mine]["processor"])
        walls = ratios(found[other]["wall"], found[mine]["wall"])
        aimed = f"{aim}" if aim else ""
        compared.append((f"{NAMES[mine]} : {NAMES[other]}", spread(times), spread(walls), aimed))
    ratio_table = table(("times faster", "processor", "wall", "target"), compared)
    note = f"Medians of {rounds} interleaved rounds, {images:,} images; minimum and maximum in parentheses. {machine()}"
    return "\n\n".join((table(header, rows), ratio_table, note, profiled(images)))


def profiled(images):
    from measure import use_of

    shares_of = use_of([sys.executable, __file__, "--profile", str(images)]).output
    return "Where a step of the engine spends its time:\n\n" + shares_of[shares_of.index("| part") :].strip()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--variant"]:
        print(json.dumps(VARIANTS[sys.argv[2]](int(sys.argv[3]))))
    elif sys.argv[1:2] == ["--profile"]:
        print(profile(int(sys.argv[2])))
    else:
        main()
