"""Fails where a ratio of one_model.py has fallen far below its target: `tox -e speed`, about 3 minutes, if idle.

Three rounds of 12,800 images; the best round counts, because other load can only slow it down.
"""

import sys

from measure import ratios, spread
from one_model import NAMES, PAIRS, measured

SLACK = 0.85
"""Share of its target that a ratio must reach. TensorFlow traces its graph in a short epoch as in a long one."""


def main():
    found, failed = measured(3, 12_800), False
    for mine, other, aim in PAIRS:
        times = ratios(found[other]["processor"], found[mine]["processor"])
        is_slow = aim is not None and max(times) < SLACK * aim
        failed |= is_slow
        print(
            f"{'SLOW' if is_slow else 'ok  '} {NAMES[mine]} : {NAMES[other]}: {spread(times)}, target {aim or 'none'}"
        )
    sys.exit(failed)


if __name__ == "__main__":
    main()
