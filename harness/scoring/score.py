"""From predictions and test labels to accuracies and intervals. Pure; the only module that sees test labels.

Notation: S seeds, N images, p_i the share of seeds that classify image i correctly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

CONFIDENCE = 0.95
FEW_ERRORS = 20
Correct = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Score:
    """Mean accuracy over all seeds with its 95 % interval, as fractions; failed seeds count as all wrong."""

    accuracy: float
    low: float
    high: float
    seed_accuracies: tuple[float, ...]

    @property
    def errors_per_10000(self) -> float:
        """Misclassified images in ten thousand, averaged over seeds."""
        return 10_000 * (1 - self.accuracy)


def correctness(predictions: Sequence[bytes], labels: npt.NDArray[np.uint8], seeds: int) -> Correct:
    """Which images each seed classifies correctly: (seeds, images). A seed without predictions has none correct."""
    correct = np.zeros((seeds, len(labels)), dtype=bool)
    for row, classes in enumerate(predictions):
        if classes:
            found = np.frombuffer(classes, np.uint8)
            if found.shape == labels.shape:
                correct[row] = found == labels
    return correct


def score(correct: Correct) -> Score:
    """Mean accuracy and interval of one submission from its correctness (seeds, images)."""
    accuracies = seed_accuracies(correct)
    accuracy = float(np.count_nonzero(correct) / correct.size)
    errors = (1 - accuracy) * correct.shape[1]
    low, high = wilson(accuracy, correct.shape[1]) if len(correct) == 1 or errors < FEW_ERRORS else two_way(correct)
    return Score(accuracy, low, high, tuple(map(float, accuracies)))


def seed_accuracies(correct: Correct) -> npt.NDArray[np.float64]:
    """The mean over images, for each seed."""
    counts = [np.count_nonzero(seed) for seed in correct]
    return np.array(counts, np.float64) / np.float64(correct.shape[1])


def image_shares(correct: Correct) -> npt.NDArray[np.float64]:
    """p_i: the mean over seeds, for each image. Counted in bytes, which is many times faster than `mean`."""
    counts = correct.view(np.uint8).sum(axis=0, dtype=np.uint8 if len(correct) < 256 else np.int64)
    shares: npt.NDArray[np.float64] = counts / len(correct)
    return shares


def mean_loss(log_probabilities: bytes, labels: npt.NDArray[np.uint8]) -> float | None:
    """Mean negative log-likelihood of the true classes; float32 log-probabilities, (images, classes) as bytes.

    None if they do not belong to these images.
    """
    found = np.frombuffer(log_probabilities, np.float32)
    if not found.size or found.size % len(labels) or found.size // len(labels) <= labels.max():
        return None
    right = found.reshape(len(labels), -1)[np.arange(len(labels)), labels]
    return float(-right.mean(dtype=np.float64))


def wilson(share: float, count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a share of `count` trials (Wilson 1927)."""
    z = float(special.ndtri(0.5 + confidence / 2))
    center = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, center - half), min(1.0, center + half)


def two_way(correct: Correct, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of the mean over seeds and images, both treated as samples.

    SE^2 = Var_i(p_i) / N + run variance / S. The run variance is the variance between seeds in excess of what
    independent errors on images explain (Jordan, arXiv:2304.01910, theorem 2); t with Satterthwaite's degrees of
    freedom, where the run part is as uncertain as the variance between seeds that it is taken from.
    """
    seeds, images = correct.shape
    per_image = image_shares(correct)
    image_part = float(per_image.var(ddof=1)) / images
    run_part = run_variance(correct) / seeds
    variance = image_part + run_part
    if variance == 0:
        return wilson(float(per_image.mean()), images, confidence)
    freedom = variance**2 / (image_part**2 / (images - 1) + (between_variance(correct) / seeds) ** 2 / (seeds - 1))
    half = float(special.stdtrit(freedom, 0.5 + confidence / 2)) * math.sqrt(variance)
    mean = float(per_image.mean())
    return max(0.0, mean - half), min(1.0, mean + half)


@dataclass(frozen=True)
class Comparison:
    """Difference of two mean accuracies with its 95 % interval, and the two-sided p-value of no difference."""

    difference: float
    low: float
    high: float
    p: float


def compare(first: Correct, second: Correct, confidence: float = CONFIDENCE) -> Comparison:
    """First minus second, on the same images: the image part from paired differences, a run part for each side.

    The same standard error as `two_way`, on per-image differences; both sides need at least two seeds.
    """
    images = first.shape[1]
    paired = image_shares(first) - image_shares(second)
    image_part = float(paired.var(ddof=1)) / images
    run_parts = [run_variance(side) / len(side) for side in (first, second)]
    variance = image_part + sum(run_parts)
    difference = float(paired.mean())
    if variance == 0:
        return Comparison(difference, difference, difference, p=float(difference == 0))
    terms = [(between_variance(side) / len(side)) ** 2 / (len(side) - 1) for side in (first, second)]
    freedom = variance**2 / (image_part**2 / (images - 1) + sum(terms))
    error = math.sqrt(variance)
    half = float(special.stdtrit(freedom, 0.5 + confidence / 2)) * error
    p = float(2 * special.stdtr(freedom, -abs(difference) / error))
    return Comparison(difference, difference - half, difference + half, p)


def run_variance(correct: Correct) -> float:
    """Variance of the accuracy between seeds, minus what independent errors on images explain; at least 0."""
    images = correct.shape[1]
    excess = between_variance(correct) - explained_variance(correct)
    return float(max(0.0, images / (images - 1) * excess))


def explained_variance(correct: Correct) -> float:
    """The variance between seeds that independent errors on images would give."""
    seeds, images = correct.shape
    per_image = image_shares(correct)
    return float((per_image * (1 - per_image)).sum() * seeds / (seeds - 1) / images**2)


def between_variance(correct: Correct) -> float:
    """Variance of the accuracy between seeds."""
    return float(seed_accuracies(correct).var(ddof=1))
