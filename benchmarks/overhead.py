"""Overhead of the harness per submission: build, audit, verify, store, report, under a budget of one step.

    python benchmarks/overhead.py [submissions ...]

10, 100 and 1,000 submissions by default, for each framework; about an hour on two quiet cores. Every
submission is a LeNet-5 with its own weights, so each is built three times, validated, trained for one step, and
classifies 1,000 validation and 10,000 test images. Memory is that of the largest process. Writes its table into
docs/performance.md.
"""

import sys
import tempfile
from pathlib import Path

from class_of_100 import graded
from classes import different
from measure import machine, table, write_section

HEADER = ("framework", "submissions", "processor seconds", "each", "wall seconds each", "largest process, MiB")


def row(framework: str, count: int, fixed: float) -> tuple[tuple[str, ...], float]:
    """A line of the table, and the processor seconds; `fixed` are those of a class of one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "submissions"
        different(folder, count, framework)
        used = graded(folder, 2, "store")
    each = f"{(used.processor - fixed) / count:.2f}", f"{used.wall / count:.2f}", f"{used.memory:.0f}"
    return (framework, f"{count:,}", f"{used.processor:.0f}", *each), used.processor


def main() -> None:
    counts = [int(text) for text in sys.argv[1:]] or [10, 100, 1_000]
    rows = []
    for framework in ("torch", "keras"):
        line, one = row(framework, 1, 0.0)
        rows += [line, *(row(framework, count, one)[0] for count in counts)]
    note = (
        "Two workers. The cost of a class of one, including both frameworks' startup and references, is not in `each`"
    )
    write_section("overhead", f"{table(HEADER, rows)}\n\n{note}. {machine()}")


if __name__ == "__main__":
    main()
