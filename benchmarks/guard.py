"""Fails where a ratio of one_model.py has fallen far below its aim: `tox -e speed`, about 3 minutes on a quiet machine.

Three rounds of 12,800 images; the best round counts, because what else the machine does only ever takes away.
"""

import sys

from measure import ratios, spread
from one_model import NAMES, PAIRS, measured

SLACK = 0.85
"""Share of its aim that a ratio must reach. TensorFlow traces its graph in a short epoch as in a long one."""


def main():
    found, failed = measured(3, 12_800), False
    for mine, other, aim in PAIRS:
        times = ratios(found[other]["processor"], found[mine]["processor"])
        is_slow = aim is not None and max(times) < SLACK * aim
        failed |= is_slow
        print(f"{'SLOW' if is_slow else 'ok  '} {NAMES[mine]} : {NAMES[other]}: {spread(times)}, aim {aim or 'none'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
