"""Effect of the learning-rate schedule: `python benchmarks/schedules.py [SEEDS]`, a few minutes.

Trains both references under the standard budget with each schedule, and prints the accuracy on the test images: mean,
standard deviation between seeds, and range.
"""

from __future__ import annotations

import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from harness.datasets import mnist
from harness.experiments.examine import examine
from harness.experiments.executors import Zygotes
from harness.experiments.training import Run, run_keys, share_data, train_one
from harness.handins.discover import take_in
from harness.records.submission import Submission
from harness.scoring.score import correctness
from harness.storage.versions import usable_cores
from harness.tasks.assignment import Assignment, Budget
from reference.lenet5 import LENET5

ROOT = Path(__file__).resolve().parents[1]
SCHEDULES = (("constant", 1e-3), ("constant", 3e-3), ("linear", 1e-3), ("linear", 3e-3))


def accuracies(folder: str, budget: Budget, zygotes: Zygotes) -> list[float]:
    """Test accuracy of each seed of a reference."""
    submission = take_in(ROOT / "reference" / folder)
    assert isinstance(submission, Submission)
    zygote, assignment = zygotes.get(submission.framework), Assignment(budget=budget)
    found = examine(submission, zygote, range(budget.seeds), assignment, LENET5)
    assert found.artifact and found.verdict.output_kind
    data, kind = mnist.load(), found.verdict.output_kind
    shared = share_data(data, budget)
    keys = run_keys(found.verdict, submission.framework, budget)
    artifact, asked = found.artifact, (submission.framework, found.input_shape, kind, 0)
    runs = [Run(key, seed, *asked) for seed, key in enumerate(keys)]
    with ThreadPoolExecutor(usable_cores()) as pool:
        results = list(
            pool.map(lambda run: train_one(run, artifact.of_seed(run.seed), zygote, shared, assignment), runs)
        )
    correct = correctness([result.predictions for result in results], data.test_labels, budget.seeds)
    return [float(share) for share in correct.mean(axis=1)]


def main() -> None:
    """Print the table."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"| reference | schedule | learning rate | mean of {seeds} seeds | standard deviation | range |")
    print("|---|---|---:|---:|---:|---:|")
    with Zygotes(walls=True) as zygotes:
        for folder in ("lenet5_torch", "lenet5_keras"):
            for schedule, rate in SCHEDULES:
                budget = replace(Budget(), schedule=schedule, learning_rate=rate, seeds=seeds)
                found = [100 * share for share in accuracies(folder, budget, zygotes)]
                mean, deviation = statistics.mean(found), statistics.stdev(found)
                spread = f"{min(found):.2f}–{max(found):.2f} %"
                print(f"| {folder} | {schedule} | {rate:g} | {mean:.2f} % | {deviation:.2f} | {spread} |", flush=True)


if __name__ == "__main__":
    main()
