"""Which differences between submissions are clear: paired tests over all pairs, Holm's correction, place ranges. Pure.

The standard error is that of `score.two_way` on per-image differences: SE^2 = Var_i(a_i - b_i) / N + a run part for
each side (Jordan, arXiv:2304.01910, theorems 2 and 3), t with Satterthwaite's degrees of freedom. All pairs are
computed at once: the variances of all differences follow from one covariance matrix.

Three seeds say little about how much a submission varies between seeds, but the whole board shows how much submissions
do: each variance is shrunk toward the typical value on this board, as far as the board's own spread of variances allows
(Smyth 2004, doi:10.2202/1544-6115.1027, section 4), and gains degrees of freedom accordingly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from harness.records.board import Difference
from harness.scoring.score import Correct, between_variance, explained_variance, image_shares

ALPHA = 0.05
_TRUST = 0.25
Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Matrices:
    """Every ordered pair of submissions as matrices: row minus column.

    `error` is the standard error, `freedom` the degrees of freedom.
    """

    difference: Matrix
    error: Matrix
    freedom: Matrix

    def of(self, first: int, second: int) -> Difference:
        """First minus second with the interval of this pair alone."""
        return _difference(self.difference[first, second], self.error[first, second], self.freedom[first, second])


@dataclass(frozen=True)
class Differences(_Matrices):
    """All submissions of a board, references too."""

    def p(self, first: Indices | int, second: Indices | int) -> Vector:
        """Two-sided p-value of no difference, for each of these pairs of positions."""
        at = first, second
        return _p_values(self.difference[at], self.error[at], self.freedom[at])

    def among(self, indices: Sequence[int]) -> Pairs:
        """All pairs of these submissions, with Holm's correction over them."""
        part = np.ix_(indices, indices)
        adjusted = np.ones((len(indices), len(indices)))
        upper = np.triu_indices(len(indices), 1)
        chosen = np.asarray(indices)
        adjusted[upper] = holm(self.p(chosen[upper[0]], chosen[upper[1]]))
        adjusted.T[upper] = adjusted[upper]
        return Pairs(self.difference[part], self.error[part], self.freedom[part], adjusted)

    def against(self, pairs: Sequence[tuple[int, int]]) -> list[int]:
        """First against second of each pair: 1 better, -1 worse, 0 no clear difference; Holm over these only."""
        first, second = np.array(pairs, np.intp).reshape(-1, 2).T
        adjusted = holm(self.p(first, second))
        signs = [int(np.sign(self.difference[pair])) for pair in pairs]
        return [sign if p < ALPHA else 0 for sign, p in zip(signs, adjusted, strict=True)]


@dataclass(frozen=True)
class Pairs(_Matrices):
    """All ordered pairs of k submissions; `adjusted` are p-values after Holm's correction."""

    adjusted: Matrix

    def differ(self, first: int, second: int) -> bool:
        """Whether the two differ, after Holm's correction."""
        return bool(self.adjusted[first, second] < ALPHA)

    def better(self) -> npt.NDArray[np.bool_]:
        """Whether the row's submission is clearly better than the column's."""
        return (self.adjusted < ALPHA) & (self.difference > 0)


@dataclass(frozen=True)
class PlaceRange:
    """The places that a submission may have: no better than `low`, no worse than `high`."""

    low: int
    high: int


def _difference(value: float, error: float, freedom: float) -> Difference:
    half = float(special.stdtrit(freedom, 1 - ALPHA / 2)) * float(error) if error else 0.0
    return Difference(float(value), float(value) - half, float(value) + half)


def differences(submissions: Sequence[Correct]) -> Differences:
    """Compare all pairs of submissions; each is the correctness (seeds, images) of at least two seeds, on the same
    images."""
    seeds = np.array([len(correct) for correct in submissions], float)
    run, doubt = _run_parts(submissions, seeds)
    means, covariance = _moments(submissions)
    images = submissions[0].shape[1]
    own = np.diag(covariance)
    image = np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0) / images
    variance = image + run[:, None] + run[None, :]
    spread = image**2 / (images - 1) + doubt[:, None] + doubt[None, :]
    freedom = np.divide(variance**2, spread, out=np.full_like(variance, np.inf), where=spread > 0)
    difference = means[:, None] - means[None, :]
    error = np.sqrt(variance)
    return Differences(difference, error, freedom)


def _moments(submissions: Sequence[Correct]) -> tuple[Vector, Matrix]:
    """Mean over images, and covariance, of the share of seeds that classify an image correctly.

    The shares are most of a large class's memory: there is one copy of them, freed when this returns.
    """
    shares = np.empty((len(submissions), submissions[0].shape[1]))
    for row, correct in zip(shares, submissions, strict=True):
        row[:] = image_shares(correct)
    means = shares.mean(axis=1)
    shares -= means[:, None]
    return means, shares @ shares.T / (shares.shape[1] - 1)


def _run_parts(submissions: Sequence[Correct], seeds: Vector) -> tuple[Vector, Vector]:
    """Each submission's part of a variance, and that part's share in Satterthwaite's denominator."""
    between = np.array([between_variance(correct) for correct in submissions])
    explained = np.array([explained_variance(correct) for correct in submissions])
    usual, strength = prior(between, seeds - 1)
    freedom = strength + seeds - 1
    drawn = (strength * usual + (seeds - 1) * between) / freedom
    return np.maximum(drawn - explained, 0) / seeds, (drawn / seeds) ** 2 / freedom


def prior(variances: Vector, freedom: Vector) -> tuple[float, float]:
    """The typical variance of a board, and how many degrees of freedom it is worth (Smyth 2004, section 6.2).

    The moments of the logarithms show how much true variances differ: the less, the more the typical one is worth. A
    handful of submissions look more alike than they are, so it is never worth more than a quarter of the others' total
    degrees of freedom. Submissions without any variance are ignored.
    """
    known = variances > 0
    if known.sum() < 2:
        return 0.0, 0.0
    d = freedom[known]
    logs = np.log(variances[known]) - special.digamma(d / 2) + np.log(d / 2)
    excess = float(logs.var(ddof=1) - special.polygamma(1, d / 2).mean())
    most = _TRUST * float(d.sum() - d.max())
    strength = min(most, 2 * _inverse_trigamma(excess)) if excess > 0 else most
    usual = math.exp(logs.mean() + float(special.digamma(strength / 2)) - math.log(strength / 2))
    return usual, strength


def _inverse_trigamma(value: float) -> float:
    """Newton's method on 1 / trigamma, which is nearly linear (Smyth 2004, appendix)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        x += trigamma * (1 - trigamma / value) / float(special.polygamma(2, x))
    return x


def place_ranges(pairs: Pairs, counts: npt.NDArray[np.intp] | None = None) -> list[PlaceRange]:
    """1 + the number of clearly better ones, to k - the number of clearly worse ones.

    `counts` says how many submissions each of the compared models stands for, one by default; k is their sum.
    """
    counts = np.ones(len(pairs.error), np.intp) if counts is None else counts
    better = pairs.better()
    ahead, behind = counts @ better, better @ counts
    return [PlaceRange(1 + int(a), int(counts.sum()) - int(b)) for a, b in zip(ahead, behind, strict=True)]


def smallest_difference(pairs: Pairs) -> float | None:
    """The difference in accuracy at which half of the pairs would be clear at Holm's first, strictest step.

    None where there is no pair.
    """
    upper = np.triu_indices(len(pairs.error), 1)
    if not len(upper[0]):
        return None
    error = pairs.error[upper]
    quantile = special.stdtrit(pairs.freedom[upper], 1 - ALPHA / (2 * len(error)))
    return float(np.median(np.where(error > 0, quantile * error, 0.0)))  # twins may have no error, nor any freedom


def holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """P-values adjusted for their number (Holm 1979): the smallest times m, the next times m - 1, ..."""
    order = np.argsort(p)
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def _p_values(difference: Vector, error: Vector, freedom: Vector) -> Vector:
    """Two-sided; without any variance a difference is certain, and so is its absence."""
    certain = np.where(difference == 0, 1.0, 0.0)
    t = np.divide(np.abs(difference), error, out=np.zeros_like(difference), where=error > 0)
    found: Vector = np.where(error > 0, 2 * special.stdtr(freedom, -t), certain)
    return found
