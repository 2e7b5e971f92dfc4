"""How long the reports of a large class take from the store, as `harness report` writes them.

    python benchmarks/rebuild_reports.py [submissions ...]

Makes a store of 1,000 and of 50 submissions by 3 seeds (or of as many as named), then prints for each: seconds,
processor seconds (which do not count what else the machine does) and peak memory of the whole command, processor
seconds by stage, all medians of 3, and the size of each file. The models are real layer tables; the answers are drawn
around the error rate of a LeNet-5, some images being harder than others for every model.
Of a hundred submissions 70 are LeNet-5, 12 own designs, 10 copies of another model, 6 fail, 1 diverges, 1 errors.
"""

from __future__ import annotations

import hashlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cattrs
import numpy as np
from scipy import special

from harness.datasets import mnist
from harness.experiments import pipeline
from harness.model.layers import conv2d, dense, pool
from harness.model.verify import judge
from harness.records.check import Check, Outcome
from harness.records.framework import Framework
from harness.records.graph import OutputKind, Window
from harness.records.layer import Layer, LayerTable
from harness.records.run import Curve, RunResult, RunStatus
from harness.records.verdict import Verdict
from harness.reports.student import student_pages
from harness.reports.svg import pictures
from harness.reports.terminal import board_table, make_console
from harness.reports.writing import FILES
from harness.scoring.standing import Entrant
from harness.storage.store import Store
from harness.tasks.assignment import Assignment
from reference.lenet5 import LENET5

SEEDS = 3
REPEATS = 3
ERROR, SHARED = 0.013, 0.7
"""Typical error rate, and how much of an image's difficulty all models share."""
WATCHED = """
import atexit, re, sys
from harness.cli import main
status = lambda: open("/proc/self/status").read()
atexit.register(lambda: sys.stderr.write(re.search(r"VmHWM:\\s*(\\d+) kB", status())[1]))
main()
"""
"""`harness`, and at the end its peak memory in KiB: the value that a process's parent gets includes the parent's own."""
FORMS = {Framework.TORCH: (1, 28, 28), Framework.TENSORFLOW: (28, 28, 1)}
ASSIGNMENT = Assignment(own_design=("own_*",), max_parameters=1_000_000)
ENVIRONMENT = {"cpu": "a processor", "python": "3.11", "torch": "2.13.0", "tensorflow": "2.21.0", "numpy": "2.3"}


def main() -> None:
    counts = [int(argument) for argument in sys.argv[1:]] or [1_000, 50]
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "store.sqlite"
            with Store(path) as store:
                fill(store, count)
            tell(count, path, Path(folder) / "reports")


def tell(count: int, path: Path, reports: Path) -> None:
    command = [sys.executable, "-c", WATCHED, "report", "--store", str(path), "--reports", str(reports)]
    whole = [measured(command) for _ in range(REPEATS)]
    seconds, processor, peak = (statistics.median(values) for values in zip(*whole, strict=True))
    took = f"{seconds:.1f} s ({processor:.1f} s of processor), peak {peak:.0f} MiB"
    print(f"{count:,} submissions by {SEEDS} seeds: harness report {took}", flush=True)
    repeats = [by_stage(path) for _ in range(REPEATS)]
    for stage in repeats[0]:
        print(f"  {statistics.median(repeat[stage] for repeat in repeats):6.2f} s  {stage}", flush=True)
    for file in sorted(reports.iterdir()):
        files = [inner for inner in file.rglob("*") if inner.is_file()] if file.is_dir() else [file]
        print(f"  {sum(each.stat().st_size for each in files) / 1000:8,.0f} kB  {file.name}", flush=True)


def measured(command: list[str]) -> tuple[float, float, float]:
    """Seconds, processor seconds and peak memory (MiB) of a command."""
    started = time.perf_counter()
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1], text=True, **streams)
    peak = int(process.stderr.read())
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, peak / 1024


def by_stage(path: Path) -> dict[str, float]:
    """Processor seconds of each stage, in one process after the imports."""
    seconds: dict[str, float] = defaultdict(float)
    originals = {(Store, "last_board"): "read the board", (Store, "runs"): "read the runs"}
    originals[pipeline, "standing"] = "score and rank"
    undo = [timed(owner, name, seconds, stage) for (owner, name), stage in originals.items()]
    with Store(path) as store:
        board = clocked(seconds, "load data, decode verdicts", lambda: pipeline.report(store))
    for restore in undo:
        restore()
    seconds["load data, decode verdicts"] -= sum(seconds[stage] for stage in originals.values())
    stages = {**FILES, "pictures": pictures, "student pages": student_pages}
    for name, render in stages.items():
        clocked(seconds, name, lambda render=render: render(board))
    clocked(seconds, "terminal", lambda: make_console(io.StringIO()).print(board_table(board)))
    return dict(seconds)


def clocked(seconds: dict[str, float], stage: str, function: Callable[[], Any]) -> Any:
    started = time.process_time()
    result = function()
    seconds[stage] += time.process_time() - started
    return result


def timed(owner: Any, name: str, seconds: dict[str, float], stage: str) -> Callable[[], None]:
    """Clock a function wherever it is called; returns what puts it back."""
    original = getattr(owner, name)
    setattr(owner, name, lambda *arguments: clocked(seconds, stage, lambda: original(*arguments)))
    return lambda: setattr(owner, name, original)


def fill(store: Store, count: int) -> None:
    """A graded board of a class, with the two references."""
    labels = mnist.load().test_labels
    chance = np.random.default_rng(0)
    hard = chance.normal(size=len(labels)) * np.sqrt(SHARED)
    usual = (labels + chance.integers(1, 10, len(labels))) % 10
    entries = [entry(f"LeNet-5 ({framework})", lenet5(), framework, is_reference=True) for framework in Framework]
    for index in range(count):
        entries.append(submission(index, chance, entries))
    saved: set[str] = set()
    for one in entries:
        error = ERROR * float(np.exp(chance.normal(scale=0.15)))
        for seed, key in enumerate(one.run_keys):
            if key not in saved:
                answers = drawn(labels, usual, hard, error, chance)
                diverges = "diverges" in one.verdict.submission and seed == 1
                store.save_run(run(key, seed, b"" if diverges else answers, chance))
                saved.add(key)
    content = {"assignment": asdict(ASSIGNMENT), "entries": cattrs.unstructure(entries), "sandboxed": True}
    store.save_board({**content, "command": "harness grade submissions"})


def drawn(labels: Any, usual: Any, hard: Any, error: float, chance: np.random.Generator) -> bytes:
    """One model's predictions: wrong where an image's difficulty and the model's own luck pass the threshold together."""
    seed_error = error * float(np.exp(chance.normal(scale=0.06)))
    luck = chance.normal(size=len(labels)) * np.sqrt(1 - SHARED)
    wrong = hard + luck > -special.ndtri(seed_error)
    return bytes(np.where(wrong, usual, labels).astype(np.uint8))


def run(key: str, seed: int, answers: bytes, chance: np.random.Generator) -> RunResult:
    status = RunStatus.DONE if answers else RunStatus.DIVERGED
    noise = chance.normal(scale=0.002, size=3)
    losses = tuple(float(loss) for loss in np.array((0.31, 0.09, 0.06)) + noise)
    curve = Curve(losses, tuple(loss + 0.01 for loss in losses), tuple(1 - loss / 4 for loss in losses))
    seconds, reason = 13 + float(chance.random()), "" if answers else "the loss became nan in epoch 3, batch 7"
    return RunResult(key, seed, status, reason, answers, curve, seconds, 600 << 20, ENVIRONMENT)


def submission(index: int, chance: np.random.Generator, others: list[Entrant]) -> Entrant:
    framework = list(Framework)[index % 2]
    kind = chance.choice(["good", "own", "copy", "unpadded", "crash", "diverges", "errored"], p=_MIX)
    name = f"{kind}_{index:04}"
    if kind == "copy":
        original = others[int(chance.integers(len(others)))]
        return replace(original, verdict=replace(original.verdict, submission=name), is_reference=False)
    if kind in ("crash", "errored"):
        outcome = Outcome.FAILED if kind == "crash" else Outcome.ERRORED
        check = Check("import", outcome, "a file that can be imported", "NameError: nm (model.py, line 3)", "fix it")
        return Entrant(Verdict(name, framework, (check,)), ())
    sizes = (int(chance.integers(4, 40)), int(chance.integers(10, 60)), 120, 84) if kind == "own" else (6, 16, 120, 84)
    return entry(name, lenet5(*sizes, padding=0 if kind == "unpadded" else 2), framework)


_MIX = (0.70, 0.12, 0.10, 0.04, 0.02, 0.01, 0.01)


def lenet5(first: int = 6, second: int = 16, third: int = 120, fourth: int = 84, padding: int = 2) -> tuple[Layer, ...]:
    """The layer table of a LeNet-5 with these sizes, as a student names the layers."""
    conv1 = conv2d("conv1", (1, 28, 28), first, Window((5, 5), padding=(padding,) * 4))
    pool1 = pool("max_pool", "", conv1.output_shape, Window((2, 2), (2, 2)))
    conv2 = conv2d("conv2", pool1.output_shape, second, Window((5, 5)))
    pool2 = pool("max_pool", "", conv2.output_shape, Window((2, 2), (2, 2)))
    flat = (int(np.prod(pool2.output_shape)),)
    layers = [conv1, pool1, conv2, pool2, Layer("flatten", pool2.output_shape, flat)]
    for number, units in enumerate((third, fourth, 10)):
        layers.append(dense(f"fc{number + 1}", layers[-1].output_shape, units))
    return tuple(layers)


def entry(name: str, layers: tuple[Layer, ...], framework: Framework, *, is_reference: bool = False) -> Entrant:
    """The result of examining such a submission, with keys of runs if it passed."""
    table = LayerTable(layers, output_kind=OutputKind.LOGITS, output_shape=(10,))
    judgment = judge(
        table,
        FORMS[framework],
        framework,
        LENET5,
        must_match=ASSIGNMENT.must_match(name),
        max_parameters=ASSIGNMENT.max_parameters,
    )
    verdict = Verdict(
        name,
        framework,
        judgment.checks,
        entry="model.py: Net()",
        input_form="28x28, channels first",
        output_kind=OutputKind.LOGITS,
        fingerprint=hashlib.sha256(f"{framework} {layers}".encode()).hexdigest(),
        layers=layers,
        parameters=table.parameters,
        macs=table.macs,
        matches_reference=judgment.matches_reference,
    )
    passed = verdict.outcome is Outcome.PASSED
    return Entrant(verdict, tuple(f"{name}/{seed}" for seed in range(SEEDS * passed)), is_reference)


if __name__ == "__main__":
    main()
