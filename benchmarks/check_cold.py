"""Wall seconds of `harness check` from a cold start, PyTorch and Keras, each in a fresh process: min, median, max.

python benchmarks/check_cold.py [repetitions]
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def seconds(folder: str) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "harness", "check", str(ROOT / "reference" / folder)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - started


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for folder in ("lenet5_torch", "lenet5_keras"):
        times = sorted(seconds(folder) for _ in range(repetitions))
        print(f"{folder}: min {times[0]:.2f} s, median {statistics.median(times):.2f} s, max {times[-1]:.2f} s")


if __name__ == "__main__":
    main()
