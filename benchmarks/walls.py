"""What the walls and the zygotes cost and save: milliseconds to put the walls up, builds per minute, warm and cold.

python benchmarks/walls.py [repetitions]
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from harness.handins.discover import take_in
from harness.jobs.build import BUILD, BuildRequest
from harness.jobs.ending import Ending
from harness.jobs.job import Job
from harness.jobs.limits import Isolation, Limits
from harness.records.framework import Framework
from harness.records.submission import Submission
from harness.sandbox.launcher import Zygote

ROOT = Path(__file__).parents[1]
EXAMPLES = {Framework.TORCH: "lenet5_torch", Framework.TENSORFLOW: "lenet5_keras"}


def spread(values: list[float], unit: str) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"median {middle:.1f} {unit} ({low:.1f} to {high:.1f}, n={len(values)})"


def walls(repetitions: int) -> None:
    with Zygote(None) as bare:
        for isolation in (Isolation.WALLS, Isolation.NO_NAMESPACES):
            endings = [bare.try_walls(Limits(isolation=isolation)) for _ in range(repetitions)]
            times = [ending.locked_seconds * 1000 for ending in endings]
            print(f"{isolation}: {spread(times, 'ms')} to put up and to try")


def build(zygote: Zygote, submission: Submission, limits: Limits) -> Ending:
    ending = zygote.run(Job.of(BUILD, BuildRequest.of(submission), limits))
    assert ending.frame, ending.output
    return ending


def timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def builds(framework: Framework, warm: bool, isolation: Isolation, repetitions: int) -> None:
    submission = take_in(ROOT / "reference" / EXAMPLES[framework])
    assert isinstance(submission, Submission)
    limits = Limits(wall_seconds=120, isolation=isolation)
    with Zygote(framework, warm=warm) as zygote:
        zygote.start()
        times = [timed(lambda: build(zygote, submission, limits)) for _ in range(repetitions)]
    rate = 60 / statistics.median(times)
    start = "warm" if warm else "cold"
    print(
        f"{framework}, {start}, {isolation}: median {statistics.median(times):.2f} s a build, {rate:.0f} builds a minute, one at a time"
    )


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    walls(repetitions)
    for framework in Framework:
        for isolation in (Isolation.WALLS, Isolation.NONE):
            builds(framework, True, isolation, repetitions)
        builds(framework, False, Isolation.WALLS, max(3, repetitions // 4))


if __name__ == "__main__":
    main()
