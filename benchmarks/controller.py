"""Overhead of the controller: a class of LeNet-5s by 3 seeds whose jobs are answered immediately.

    python benchmarks/controller.py [submissions ...]

For a class of 100, of 400 and of 1,000, or of as many as named: the processor seconds of `grade`, those of a board made
from the store, and the peak memory of `grade`, each class in its own process. One real build is recorded first,
and answered for every submission with its own weights. Writes its table into docs/performance.md.
"""

from __future__ import annotations

import json
import pickle
import resource
import sys
import tempfile
import time
from pathlib import Path

from instant import Instant, copies_of
from measure import ROOT, answer_of, machine, table, write_section

from harness.experiments import pipeline
from harness.experiments.executors import Zygotes
from harness.handins.discover import take_in
from harness.records.framework import Framework
from harness.records.submission import Submission
from harness.storage.store import Store
from harness.tasks.assignment import Assignment

HEADER = ("submissions", "processor seconds of `grade`", "of the board alone", "peak memory, MiB")


class Silent:
    """A progress display that shows nothing."""

    def start(self, title: str, total: int) -> None: ...

    def step(self, left: float | None = None) -> None: ...

    def tell(self, text: str) -> None: ...


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(int(sys.argv[2]), Path(sys.argv[3]))))
        return
    counts = [int(argument) for argument in sys.argv[1:]] or [100, 400, 1_000]
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "recorded"
        with Zygotes() as zygotes:
            submission = model()
            recorded.write_bytes(pickle.dumps(Instant.recorded(submission, zygotes.get(submission.framework))))
        found = {n: answer_of([sys.executable, __file__, "--one", str(n), str(recorded)]) for n in counts}
    rows = [(f"{n:,}", f"{x['grade']:.1f}", f"{x['board']:.1f}", f"{x['memory']:.0f}") for n, x in found.items()]
    write_section("controller", f"{table(HEADER, rows)}\n\nTwo workers, 3 seeds. {machine()}")


def model() -> Submission:
    found = take_in(ROOT / "reference" / "lenet5_torch", "model")
    assert isinstance(found, Submission)
    return found


def one(count: int, recorded: Path) -> dict[str, float]:
    """Grade one class in this process."""
    instant = pickle.loads(recorded.read_bytes())
    pipeline.discover = lambda *_: copies_of(model(), count)  # the class is not on disk
    pipeline.is_installed = lambda framework: framework is Framework.TORCH
    Zygotes.get = lambda *_: instant
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store.sqlite") as store:
        started = time.process_time()
        request = pipeline.GradeRequest(Path(folder), Assignment(), 2, walls=False)
        board = pipeline.grade(request, store, Silent())
        graded, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        assert sum(row.accuracy is not None for row in board.rows) == count + 1
        pipeline.report(store)
        return {"grade": graded - started, "board": time.process_time() - graded, "memory": memory}


if __name__ == "__main__":
    main()
