"""Two workers against one: a class of different models (designs.py), stage by stage.

    python benchmarks/workers.py [submissions]

Wall seconds, so it needs two quiet cores; the processor seconds next to them tell whether the machine was. The aim is
1.9 over the training jobs; what else takes time is in its own lines. Writes its table into docs/performance.md.
"""

import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from designs import different_models
from measure import ONE_THREAD, ROOT, machine, table, write_section

STAGES = ("start, and read the submissions", "build and validate", "train", "score and report")
_BEGINS = {"Checking": 1, "Training": 2}
_LINE = re.compile(r"(Checking|Training)\b[^:]*: (\d+)(?: of (\d+))?")


@dataclass(frozen=True)
class Graded:
    """Wall seconds of each stage, and the processor seconds of everything."""

    stages: tuple[float, ...]
    processor: float


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "submissions"
        different_models(folder, count)
        first, two, again = (graded(folder, workers, f"{number}") for number, workers in enumerate((1, 2, 1)))
    one = [(a + b) / 2 for a, b in zip(first.stages, again.stages, strict=True)]
    rows = [line(stage, a, b) for stage, a, b in zip(STAGES, one, two.stages, strict=True)]
    rows += [line("all", sum(one), sum(two.stages))]
    rows += [("processor seconds", f"{(first.processor + again.processor) / 2:.0f}", f"{two.processor:.0f}", "")]
    note = f"{count} different models, one worker measured before and after two. Aim for training: 1.9. {machine()}"
    header = ("wall seconds", "one worker", "two workers", "times faster")
    write_section("workers", f"{table(header, rows)}\n\n{note}")


def line(name: str, one: float, two: float) -> tuple[str, ...]:
    return name, f"{one:.1f}", f"{two:.1f}", f"{one / two:.2f}"


def graded(folder: Path, workers: int, store: str) -> Graded:
    """One `harness grade` into a new store; its progress tells when each stage begins and ends."""
    files = ["--store", str(folder.parent / f"{store}.sqlite"), "--reports", str(folder.parent / "reports")]
    command = [sys.executable, "-m", "harness", "grade", str(folder), "--workers", str(workers), *files]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), **ONE_THREAD}
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    at = [time.perf_counter()] * 5
    process = subprocess.Popen(command, cwd=ROOT, env=settings, text=True, **pipes)
    for told in process.stderr:
        if found := _LINE.match(told):
            stage, done, total = _BEGINS[found[1]], found[2], found[3]
            at[stage if total is None else stage + 1] = time.perf_counter()
            print(f"{workers} workers: {told.strip()}", file=sys.stderr, flush=True)
            assert total is None or int(done) <= int(total)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    at[4] = time.perf_counter()
    return Graded(tuple(b - a for a, b in itertools.pairwise(at)), usage.ru_utime + usage.ru_stime)


if __name__ == "__main__":
    main()
