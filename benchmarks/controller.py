"""What the controller itself costs: a class of LeNet-5s by 3 seeds whose jobs are answered at once.

    python benchmarks/controller.py [submissions ...]

Prints for each class (100, 400 and 1,000) the processor seconds of `grade` and of the board made from the
store, and the peak memory of `grade`, in a process of its own for each class. One real build is recorded first, in a process of its own.
"""

from __future__ import annotations

import pickle
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from instant import Instant, copies_of

from harness import pipeline
from harness.assignment import Assignment
from harness.discover import take_in
from harness.executors import Zygotes
from harness.records import Framework, Submission
from harness.store import Store

ROOT = Path(__file__).resolve().parents[1]


class Silent:
    """A progress display that shows nothing."""

    def start(self, title: str, total: int) -> None: ...

    def step(self, left: float | None = None) -> None: ...


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        one(int(sys.argv[2]), Path(sys.argv[3]))
        return
    counts = [int(argument) for argument in sys.argv[1:]] or [100, 400, 1_000]
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "recorded"
        with Zygotes() as zygotes:
            submission = model()
            recorded.write_bytes(pickle.dumps(Instant.recorded(submission, zygotes.get(submission.framework))))
        print("| submissions | processor seconds of grade | of report, but for its files | peak memory of grade, MiB |")
        print("|---:|---:|---:|---:|", flush=True)
        for count in counts:
            subprocess.run([sys.executable, __file__, "--one", str(count), str(recorded)], check=True)


def model() -> Submission:
    found = take_in(ROOT / "reference" / "lenet5_torch", "model")
    assert isinstance(found, Submission)
    return found


def one(count: int, recorded: Path) -> None:
    """Grade one class in this process."""
    instant = pickle.loads(recorded.read_bytes())
    pipeline.discover = lambda *_: copies_of(model(), count)  # the class is not on disk
    pipeline.is_installed = lambda framework: framework is Framework.TORCH
    Zygotes.get = lambda *_: instant
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store.sqlite") as store:
        started = time.process_time()
        request = pipeline.GradeRequest(Path(folder), Assignment(), 2, walls=False)
        board = pipeline.grade(request, store, Silent())
        whole, peak = time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        assert sum(row.accuracy is not None for row in board.rows) == count + 1
        started = time.process_time()
        pipeline.report(store)
        alone = time.process_time() - started
    print(f"| {count:,} | {whole:.1f} | {alone:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
