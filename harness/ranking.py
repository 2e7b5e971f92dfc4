"""Which submissions can be told apart: paired tests over all pairs, Holm's correction, place ranges. Pure.

The standard error is that of `score.two_way` on per-image differences: SE^2 = Var_i(a_i - b_i) / N + a run part for
each side (Jordan, arXiv:2304.01910, theorems 2 and 3), t with Satterthwaite's degrees of freedom. All pairs are done
at once: the variances of all differences follow from one matrix of covariances between submissions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from harness.score import Correct, between_variance, run_variance

ALPHA = 0.05
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """All ordered pairs of k submissions as (k, k) matrices: row minus column.

    `p` is the two-sided p-value of no difference, `adjusted` the same after Holm's correction over the k (k - 1) / 2
    pairs; `error` the standard error and `freedom` the degrees of freedom. The diagonal is 0, with p-values of 1.
    """

    difference: Matrix
    error: Matrix
    freedom: Matrix
    p: Matrix
    adjusted: Matrix

    def better(self) -> npt.NDArray[np.bool_]:
        """Whether the row's submission is better than the column's, and told apart from it."""
        return (self.adjusted < ALPHA) & (self.difference > 0)


@dataclass(frozen=True)
class PlaceRange:
    """The places that a submission may have: no better than `low`, no worse than `high`."""

    low: int
    high: int


def all_pairs(submissions: Sequence[Correct]) -> Pairs:
    """Compare every two submissions; each is the correctness (seeds, images) of at least two seeds, on equal images."""
    difference, error, freedom = _differences(submissions)
    p = _p_values(difference, error, freedom)
    upper = np.triu_indices(len(submissions), 1)
    adjusted = np.ones_like(p)
    adjusted[upper] = holm(p[upper])
    adjusted.T[upper] = adjusted[upper]
    return Pairs(difference, error, freedom, p, adjusted)


def against(submissions: Sequence[Correct], reference: Correct) -> npt.NDArray[np.int8]:
    """Each submission against one reference: 1 better, -1 worse, 0 not told apart; Holm over these comparisons only."""
    if not submissions:
        return np.zeros(0, np.int8)
    difference, error, freedom = (part[1:, 0] for part in _differences([reference, *submissions]))
    adjusted = holm(_p_values(difference, error, freedom))
    return np.where(adjusted < ALPHA, np.sign(difference), 0).astype(np.int8)


def place_ranges(pairs: Pairs) -> list[PlaceRange]:
    """1 + the number that is told to be better, to k - the number that is told to be worse."""
    better = pairs.better()
    ahead, behind = better.sum(axis=0), better.sum(axis=1)
    return [PlaceRange(1 + int(a), len(better) - int(b)) for a, b in zip(ahead, behind, strict=True)]


def smallest_difference(pairs: Pairs) -> float | None:
    """The difference in accuracy from which on half of the pairs would be told apart at Holm's first, strictest step.

    None where there is no pair.
    """
    upper = np.triu_indices(len(pairs.error), 1)
    if not len(upper[0]):
        return None
    quantile = special.stdtrit(pairs.freedom[upper], 1 - ALPHA / (2 * len(upper[0])))
    return float(np.median(quantile * pairs.error[upper]))


def holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """P-values adjusted for how many there are (Holm 1979): the smallest times m, the next times m - 1, ..."""
    order = np.argsort(p)
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def _differences(submissions: Sequence[Correct]) -> tuple[Matrix, Matrix, Matrix]:
    """Difference of means, standard error and degrees of freedom of every ordered pair."""
    shares = np.stack([correct.mean(axis=0) for correct in submissions])
    images = shares.shape[1]
    means = shares.mean(axis=1)
    covariance = np.atleast_2d(np.cov(shares))
    own = np.diag(covariance)
    image = np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0) / images
    run = np.array([run_variance(correct) / len(correct) for correct in submissions])
    noise = np.array([(between_variance(c) / len(c)) ** 2 / (len(c) - 1) for c in submissions])
    variance = image + run[:, None] + run[None, :]
    doubt = image**2 / (images - 1) + noise[:, None] + noise[None, :]
    freedom = np.divide(variance**2, doubt, out=np.full_like(variance, np.inf), where=doubt > 0)
    difference = means[:, None] - means[None, :]
    return difference, np.sqrt(variance), freedom


def _p_values(difference: Matrix, error: Matrix, freedom: Matrix) -> Matrix:
    """Two-sided; without any variance a difference is certain, and so is its absence."""
    certain = np.where(difference == 0, 1.0, 0.0)
    t = np.divide(np.abs(difference), error, out=np.zeros_like(difference), where=error > 0)
    found: Matrix = np.where(error > 0, 2 * special.stdtr(freedom, -t), certain)
    return found
