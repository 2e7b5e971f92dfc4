"""How often each test finds a difference between two equal models: real predictions of LeNet-5, many seeds.

    python benchmarks/calibration.py [seeds]

Trains the PyTorch reference with `seeds` seeds (60 by default) for one epoch at a constant learning rate, once; the predictions are kept
in .harness, for this budget. Then draws boards of equal models: every model is a few of these seeds, drawn without
replacement. Each difference that a test finds between them is false. Writes docs/statistics.md.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from harness.cli.progress import shown_progress
from harness.datasets import mnist
from harness.experiments.examine import examine
from harness.experiments.executors import Zygotes, run_all
from harness.experiments.training import Run, run_keys, share_data, train_one
from harness.handins.discover import take_in
from harness.records.run import RunResult
from harness.records.submission import Submission
from harness.scoring.ranking import ALPHA, differences
from harness.tasks.assignment import Assignment, Budget
from reference.lenet5 import LENET5

ROOT = Path(__file__).parents[1]
BUDGET = Budget(epochs=1, learning_rate=1e-3, schedule="constant")
"""One short epoch at a constant rate: seeds differ most, which is hardest for a test that has to allow for seeds."""
CACHE = ROOT / ".harness" / f"calibration-{BUDGET.run_digest[:12]}.npy"
PAGE = ROOT / "docs" / "statistics.md"
MARKS = ("<!-- calibration:begin -->", "<!-- calibration:end -->")
DRAWS = 4_000
BOARDS = 1_000
BOARD_SIZES = (3, 5, 10)


def correct_predictions(seeds: int) -> np.ndarray:
    """Correctness (seeds, images) of the reference, trained once."""
    if CACHE.exists() and len(np.load(CACHE)) >= seeds:
        return np.load(CACHE)[:seeds]
    labels = mnist.load().test_labels
    found = np.stack([np.frombuffer(classes, np.uint8) == labels for classes in train(seeds)])
    CACHE.parent.mkdir(exist_ok=True)
    np.save(CACHE, found)
    return found


def train(seeds: int) -> list[bytes]:
    budget = replace(BUDGET, seeds=seeds)
    assignment = Assignment(budget=budget)
    submission = take_in(ROOT / "reference" / "lenet5_torch")
    assert isinstance(submission, Submission)
    with Zygotes() as zygotes, shown_progress() as progress:
        zygote = zygotes.get(submission.framework)
        examined = examine(submission, zygote, range(seeds), assignment, LENET5)
        verdict, artifact = examined.verdict, examined.artifact
        assert artifact is not None and verdict.output_kind is not None
        keys = run_keys(verdict, submission.framework, budget)
        asked = (submission.framework, examined.input_shape, verdict.output_kind, 0)
        runs = [Run(key, seed, *asked) for seed, key in enumerate(keys)]
        data = share_data(mnist.load(), budget)
        progress.start("Training", seeds)
        done = {}

        def do(run: Run) -> RunResult:
            return train_one(run, artifact.of_seed(run.seed), zygote, data, assignment)

        for run, result in run_all(do, runs, 2, zygotes.close):
            done[run.seed] = result.predictions
            progress.step()
    return [done[seed] for seed in range(seeds)]


def paired(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(differences([first, second]).p(0, 1) < ALPHA)


def mcnemar(first: np.ndarray, second: np.ndarray) -> bool:
    """The exact test on the first seed of each: what a board of single runs would do."""
    only_first, only_second = int((first[0] & ~second[0]).sum()), int((second[0] & ~first[0]).sum())
    return stats.binomtest(only_first, only_first + only_second).pvalue < ALPHA


def welch(first: np.ndarray, second: np.ndarray) -> bool:
    """Welch's t-test on the accuracies of the seeds, blind to the images."""
    return stats.ttest_ind(first.mean(axis=1), second.mean(axis=1), equal_var=False).pvalue < ALPHA


def rate(test: Callable[[np.ndarray, np.ndarray], bool], correct: np.ndarray, seeds: int, draws: int) -> float:
    rng = np.random.default_rng(seeds)
    hits = 0
    for _ in range(draws):
        chosen = rng.permutation(len(correct))[: 2 * seeds]
        hits += test(correct[chosen[:seeds]], correct[chosen[seeds:]])
    return hits / draws


def wrong_boards(correct: np.ndarray, seeds: int, size: int) -> tuple[float, float]:
    """Boards of equal models with a false difference: ours, and with McNemar's test on the best and the worst run."""
    rng = np.random.default_rng(seeds)
    ours = naive = 0
    for _ in range(BOARDS):
        chosen = rng.permutation(len(correct))[: size * seeds].reshape(size, seeds)
        models = [correct[seed] for seed in chosen]
        ours += bool(differences(models).among(range(size)).better().any())
        best, worst = max(models, key=lambda m: m[0].mean()), min(models, key=lambda m: m[0].mean())
        naive += mcnemar(best, worst)
    return ours / BOARDS, naive / BOARDS


def table(correct: np.ndarray) -> str:
    spread = correct.mean(axis=1)
    lines = [
        f"{len(correct)} seeds of the PyTorch reference, one epoch each: accuracy {spread.mean():.2%} on average, "
        f"{spread.min():.2%} to {spread.max():.2%}, standard deviation {spread.std(ddof=1):.2%}.",
        "",
        "| a difference found between two equal models by | 3 seeds | 5 seeds |",
        "|---|---:|---:|",
    ]
    tests = {
        "this harness": paired,
        "McNemar's test on one seed of each": mcnemar,
        "Welch's t-test on the seeds": welch,
    }
    for name, test in tests.items():
        shares = [rate(test, correct, seeds, DRAWS) for seeds in (3, 5)]
        lines.append(f"| {name} | {shares[0]:.1%} | {shares[1]:.1%} |")
    lines += ["", "| boards of equal models with a false difference | 3 seeds | 5 seeds |", "|---|---:|---:|"]
    for size in BOARD_SIZES:
        shares = [wrong_boards(correct, seeds, size)[0] for seeds in (3, 5)]
        lines.append(f"| {size} models, this harness | {shares[0]:.1%} | {shares[1]:.1%} |")
    shares = [wrong_boards(correct, seeds, BOARD_SIZES[-1])[1] for seeds in (3, 5)]
    lines.append(
        f"| {BOARD_SIZES[-1]} models, best and worst run by McNemar's test | {shares[0]:.1%} | {shares[1]:.1%} |"
    )
    return "\n".join(lines)


def main() -> None:
    correct = correct_predictions(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
    found = table(correct)
    print(found)
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    PAGE.write_text(f"{before}{MARKS[0]}\n{found}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
