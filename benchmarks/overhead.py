"""What the harness itself costs for each submission: build, audit, verify, store, report, under a budget of one step.

    python benchmarks/overhead.py [submissions ...]

10, 100 and 1,000 submissions unless told otherwise, about 20 minutes on two quiet cores; every one is a PyTorch LeNet-5
with weights of its own, so each is built three times, measured, and trained for one step, then classifies the 10,000
test images. Memory is that of the largest process. Writes its table into docs/performance.md.
"""

import sys
import tempfile
from pathlib import Path

from class_of_100 import graded
from classes import different
from measure import machine, table, write_section


def main():
    rows = []
    for count in [int(text) for text in sys.argv[1:]] or [10, 100, 1_000]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "submissions"
            different(folder, count)
            used = graded(folder, 2, "store")
        each = (f"{used.processor / count:.2f}", f"{used.wall / count:.2f}", f"{used.memory:.0f}")
        rows.append((f"{count:,}", f"{used.processor:.0f}", *each))
    header = ("submissions", "processor seconds", "for each", "wall seconds for each", "largest process, MiB")
    write_section("overhead", f"{table(header, rows)}\n\nTwo workers, starts of both frameworks included. {machine()}")


if __name__ == "__main__":
    main()
