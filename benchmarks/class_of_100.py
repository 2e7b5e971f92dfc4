"""A class of 100 graded by the harness, against running each student's script one after another.

    python benchmarks/class_of_100.py [submissions]

One epoch and one seed (preset quick). About 9 minutes on two quiet cores. The naive way is a process for each script
that trains it with a DataLoader over per-sample transforms, or with Keras `fit`; one of each is measured before and
one after the harness, and their mean is scaled to the submissions that can be trained. Writes its table into
docs/performance.md.
"""

import sys
import tempfile
from pathlib import Path

from classes import EXAMPLES, mixed
from measure import Use, machine, table, use_of, write_section
from one_model import IMAGES, ROOT


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    before = scripts()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "submissions"
        mixed(folder, count)
        two, again = graded(folder, 2, "two"), graded(folder, 2, "two")
        one = graded(folder, 1, "one")
        kinds = [item.name for item in folder.iterdir() if item.is_dir()]
    after = scripts()
    trainable = [item for item in kinds if not item.endswith(BROKEN)]
    shares = {"samples": sum("torch" in item for item in trainable), "fit": sum("keras" in item for item in trainable)}
    each = {kind: (before[kind].processor + after[kind].processor) / 2 for kind in shares}
    processor = sum(each[kind] * number for kind, number in shares.items())
    wall = sum((before[kind].wall + after[kind].wall) / 2 * number for kind, number in shares.items())
    rows = [
        ("harness, two workers", f"{two.processor:.0f}", f"{two.wall:.0f}", f"{processor / two.processor:.1f}"),
        ("harness, one worker", f"{one.processor:.0f}", f"{one.wall:.0f}", f"{processor / one.processor:.1f}"),
        ("harness, second run", f"{again.processor:.1f}", f"{again.wall:.1f}", ""),
        ("naive, scaled", f"{processor:.0f}", f"{wall:.0f}", "1"),
    ]
    note = (
        f"{count} submissions, {len(trainable)} of them trainable; naive: {shares['samples']} scripts of "
        f"{each['samples']:.1f} and {shares['fit']} of {each['fit']:.1f} processor seconds, two of each measured and "
        f"scaled. Two workers are {one.wall / two.wall:.2f} times as fast as one in wall time. {machine()}"
    )
    header = ("a class", "processor seconds", "wall seconds", "times less work than naive")
    write_section("class", f"{table(header, rows)}\n\n{note}")


BROKEN = tuple(item.name for item in EXAMPLES.iterdir() if item.name in {"syntax_error", "build_raises"})
BROKEN += ("forward_raises", "no_model", "no_padding_torch", "missing_bias_keras")


def graded(folder: Path, workers: int, store: str) -> Use:
    """One `harness grade`; the second under the same store has nothing to train."""
    files = ["--store", str(folder.parent / f"{store}.sqlite"), "--reports", str(folder.parent / "reports")]
    command = [sys.executable, "-m", "harness", "grade", str(folder), "--workers", str(workers), *files]
    return use_of(command)


def scripts() -> dict[str, Use]:
    """One script of each kind, trained in its own process."""
    return {kind: script(kind) for kind in ("samples", "fit")}


def script(kind: str) -> Use:
    """A whole script, imports included."""
    command = [sys.executable, str(ROOT / "benchmarks" / "one_model.py"), "--variant", kind, str(IMAGES)]
    return use_of(command, {"TF_ENABLE_ONEDNN_OPTS": "1"})


if __name__ == "__main__":
    main()
