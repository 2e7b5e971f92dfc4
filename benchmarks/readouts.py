"""Read-outs of values inside of untrained and of pretrained models: `python benchmarks/readouts.py`, some ten minutes.

Prints one line for each initialization, over all designs, and one for each disguise of a pretrained model: how many are
found, and the fewest errors left of any layer that beats all shuffles. With a number N, only every Nth untrained model.
Models are those of `tests/honest_models.py` and `tests/pretrained_models.py`.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import torch  # noqa: E402
from honest_models import PAIRS, built  # noqa: E402
from pretrained_models import BEYOND, DISGUISES, disguised, readouts_of, trained  # noqa: E402

from harness.records.run import beyond_shuffles  # noqa: E402
from harness.scoring.findings import READOUT_LIMIT  # noqa: E402

ATTACKED = {
    "lenet5": (1, 4), "lenet5, tanh and average pooling": (1,), "lenet5, smaller": (4,), "lenet5, bigger": (1,),
    "lenet5, batch normalization": (4,), "32 and 64 filters": (1,), "small VGG": (4,), "784-300-100-10": (4,),
    "small ResNet": (1,),
}  # fmt: skip
"""Designs that are trained on the 55,000 images, each for these numbers of epochs."""
RELU = ("lenet5, smaller", "lenet5, bigger", "32", "small VGG", "784")
"""Besides LeNet-5 itself, the designs in which layers can be changed to match each other without further changes."""


def fewest_left(readouts):
    """The fewest errors left of any layer, and those of any layer that beats every shuffle of every layer (or 1)."""
    shuffled = max(accuracy for one in readouts for accuracy in one.shuffled)
    beats = [one.errors_left for one in readouts if one.accuracy > shuffled]
    return min(one.errors_left for one in readouts), min(beats, default=1.0)


def honest(step):
    rows, seconds = defaultdict(list), []
    for number, (design, initialization) in list(enumerate(PAIRS))[::step]:
        artifact = built(design, initialization, number)
        before = time.process_time()
        readouts = readouts_of(artifact)
        seconds.append(time.process_time() - before)
        if readouts:
            rows[initialization].append(
                (*fewest_left(readouts), bool(beyond_shuffles(readouts, READOUT_LIMIT)), design)
            )
            log("honest", initialization, design, seconds[-1], readouts)
    print("| initialization | models | found | fewest errors left | where it beats all shuffles | in |")
    print("|---|---:|---:|---:|---:|---|")
    for name, found in rows.items():
        least = min(found, key=lambda row: row[1])
        print(
            f"| {name} | {len(found)} | {sum(row[2] for row in found)} | {min(row[0] for row in found):.2f} | {least[1]:.2f} | {least[3]} |"
        )
    print(
        f"\n{sum(map(len, rows.values()))} models, median {sorted(seconds)[len(seconds) // 2]:.2f} s, most {max(seconds):.2f} s of processor time"
    )


def pretrained():
    rows = defaultdict(list)
    for design, epochs in ATTACKED.items():
        for count in epochs:
            model, fresh = trained(built(design, seed=1), 55_000, count), built(design, seed=2)
            for name, disguise in {**DISGUISES, **BEYOND}.items():
                if name in BEYOND and design.startswith("784") and "three" in name:
                    continue  # it has no more than three layers
                if name.endswith("to match") and not (design == "lenet5" or design.startswith(RELU)):
                    continue
                readouts = readouts_of(disguised(model, fresh, disguise))
                rows[name].append(
                    (fewest_left(readouts)[1], bool(beyond_shuffles(readouts, READOUT_LIMIT)), f"{design}, {count}")
                )
                log("pretrained", name, f"{design}, {count}", 0, readouts)
    print("| disguise | models | found | most errors left | in (design, epochs) |")
    print("|---|---:|---:|---:|---|")
    for name, found in rows.items():
        worst = max(found)
        print(f"| {name} | {len(found)} | {sum(row[1] for row in found)} | {worst[0]:.2f} | {worst[2]} |")


def log(*facts):
    if LOG:
        *facts, readouts = facts
        print(
            *facts,
            [(round(one.accuracy, 3), [round(x, 3) for x in one.shuffled]) for one in readouts],
            sep="\t",
            file=LOG,
            flush=True,
        )


LOG = open(sys.argv[2], "a") if len(sys.argv) > 2 else None  # noqa: SIM115

if __name__ == "__main__":
    torch.set_num_threads(1)
    pretrained()
    print()
    honest(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
