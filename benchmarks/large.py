"""Large classes: a second `grade`, when everything is stored, and `report`, in processor seconds of the whole command.

    python benchmarks/large.py [submissions ...]

For a class of 100 and of 1,000, or of as many as named. The first `grade` answers every job immediately (instant.py), half
of the class with a PyTorch model's build and half with a Keras model's; each submission has weights of its own. The
reports are those of rebuild_reports.py's class, whose results are like those of real models: into an empty folder, again,
and after one submission changed. Medians of 3. Writes its table into docs/performance.md.
"""

import json
import pickle
import statistics
import struct
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from controller import Silent
from instant import Instant
from measure import ROOT, machine, table, use_of, write_section
from rebuild_reports import fill

from harness.experiments import pipeline
from harness.experiments.executors import Zygotes
from harness.handins.discover import take_in
from harness.jobs import frames, wire
from harness.jobs.build import BuildAnswer, BuildRequest
from harness.records.framework import Framework
from harness.storage.store import Store
from harness.tasks.assignment import Assignment

REPEATS = 3
TARGETS = {("second `grade`", 100): 1.5, ("second `grade`", 1_000): 3.0, ("`report`, nothing changed", 1_000): 8.0}
HEADER = ("processor seconds", "submissions", "median (minimum–maximum)", "target")
MODELS = {Framework.TORCH: ROOT / "reference/lenet5_torch", Framework.TENSORFLOW: ROOT / "reference/lenet5_keras"}


@dataclass(frozen=True)
class Drawn(Instant):
    """Weights drawn for each source and seed, as a model has them that leaves seeds alone."""

    def _built(self, request: bytes) -> BuildAnswer:
        asked = wire.decode(BuildRequest, *frames.decode(request))
        drawn = [self._weights(b"".join(asked.contents), seed) for seed in asked.seeds]
        return replace(self.build, weights=tuple(drawn))

    def _weights(self, source: bytes, seed: int) -> bytes:
        blob = self.build.weights[0]
        size = struct.unpack("<Q", blob[:8])[0]
        numbers = (len(blob) - 8 - size) // 4
        assert all(entry["dtype"] == "F32" for entry in json.loads(blob[8 : 8 + size]).values())
        chance = np.random.default_rng([seed, *source[-16:]])
        return blob[: 8 + size] + chance.normal(scale=0.05, size=numbers).astype(np.float32).tobytes()


def main() -> None:
    if sys.argv[1:2] == ["--first"]:
        first(Path(sys.argv[2]))
        return
    counts = [int(argument) for argument in sys.argv[1:]] or [100, 1_000]
    rows = []
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            found = {"second `grade`": again(Path(name), count), **reports(Path(name), count)}
        for what, seconds in found.items():
            target = TARGETS.get((what, count))
            rows.append((what, f"{count:,}", spread(seconds), f"{target:.1f}" if target else ""))
    write_section("large", f"{table(HEADER, rows)}\n\n3 seeds, {REPEATS} measurements each. {machine()}")


def spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"


def again(folder: Path, count: int) -> list[float]:
    """A class on disk, graded once by instant jobs, and then by the command."""
    with Zygotes() as zygotes:
        recorded = {kind: Drawn.recorded(take_in(place), zygotes.get(kind)) for kind, place in MODELS.items()}
    (folder / "recorded").write_bytes(pickle.dumps({kind: instant.build for kind, instant in recorded.items()}))
    codes = [(place / "model.py").read_text() for place in MODELS.values()]
    for index in range(count):
        (folder / "submissions" / f"student_{index:05}").mkdir(parents=True)
        code = f"{codes[index % len(codes)]}# student {index:06}\n"
        (folder / "submissions" / f"student_{index:05}" / "model.py").write_text(code)
    use_of([sys.executable, __file__, "--first", str(folder)])
    grade = command(folder, "grade", str(folder / "submissions"))
    use_of(grade)  # writes the reports, and byte code where there is none
    return [use_of(grade).processor for _ in range(REPEATS)]


def first(folder: Path) -> None:
    """Grade the class in this process: no job takes time."""
    builds = pickle.loads((folder / "recorded").read_bytes())
    Zygotes.get = lambda _, framework: Drawn(builds[framework])
    with Store(folder / "store.sqlite") as store:
        board = pipeline.grade(pipeline.GradeRequest(folder / "submissions", Assignment(), 2), store, Silent())
    assert all(row.accuracy is not None for row in board.rows)


def reports(folder: Path, count: int) -> dict[str, list[float]]:
    """`report` into an empty folder, into one where nothing changed, and where one submission did."""
    folder = folder / "board"
    with Store(folder / "store.sqlite") as store:
        fill(store, count)
        content = store.last_board()
    report = command(folder, "report")
    found: dict[str, list[float]] = {}
    for number in range(REPEATS):
        new = [*report[:-1], str(folder / f"reports_{number}")]
        found.setdefault("`report` into an empty folder", []).append(use_of(new).processor)
        found.setdefault("`report`, nothing changed", []).append(use_of(new).processor)
    for number in range(REPEATS):
        content["entries"][10]["verdict"]["entry"] = f"model.py: Other{number}()"
        with Store(folder / "store.sqlite") as store:
            store.save_board(content)
        changed = [*report[:-1], str(folder / "reports_0")]
        found.setdefault("`report`, one submission changed", []).append(use_of(changed).processor)
    return found


def command(folder: Path, *asked: str) -> list[str]:
    files = ["--store", str(folder / "store.sqlite"), "--reports", str(folder / "reports")]
    return [sys.executable, "-m", "harness", *asked, *files]


if __name__ == "__main__":
    main()
