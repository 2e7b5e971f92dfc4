"""Whether two seeds start from copies of one set of numbers: in place, permuted, scaled, negated, or with some noise.

Each function compares one tensor of two seeds. Four ways are looked at, and each counts only where chance would produce
it in fewer than one of 10^9 models.

In place: Pearson's r over all numbers. With w in both seeds and noise of its own in each, r is the share of their
variance that is w's.

One axis permuted: the slices along an axis, matched by their largest |cosine|, which ignores scale and sign. Slices of
one seed are matched with each other as well: what depends on the seed alone is as similar there.

Several axes permuted: slices are matched by the distribution of their |numbers|, which no permutation within a slice
changes, then the columns by cosine over matched slices, then the slices again. r is that of the aligned numbers.

Any permutation: the sorted numbers, compared with the distance of neighbors among them. Two samples of one
distribution are some sqrt(n) neighbors apart.

For a direction independent of another one, P(|r| >= c) <= (1 - c^2)^((n-2)/2): a cap of a sphere (Ball, An elementary
introduction to modern convex geometry, 1997, lecture 2). The logarithm of that is -(n-2) times what a number tells of
its copy, and that is no more than the number's own entropy (a sign has log 2), nor than where only n / k numbers count:
k is their kurtosis over 3, which is large for sparse ones. The bound is multiplied by the number of alignments that
could have been chosen, and of tensors (Bonferroni).
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Number = TypeVar("Number", np.float64, np.float32)
Groups = npt.NDArray[np.uint8]

_CHANCE = math.log(1e-9)
_FEWEST = 16
_HALF, _MOST = 0.5, 0.9
"""The least |r| in place, and the least |cosine| or |r| of what was matched: there, the best of many is taken."""
_SLICES, _COLUMNS, _FEATURES = 64, 256, 8
"""At most so many slices are matched, over so many of their numbers, and by so many features of their distribution."""
_DISTINCT, _NEAR, _GRID = 0.9, 0.1, 0.1
"""The least share of distinct numbers; how near sorted numbers are, in distances of neighbors; how uneven these are:
0.5 for a sample, 0 for a grid."""
_MASKED = 4


def is_copy(first: Floats, second: Floats, tensors: int = 1) -> bool:
    """Whether a tensor starts from the same numbers in two seeds, up to order, scale, sign and noise.

    `tensors` is how many are compared. One value throughout, one on the diagonal and another beside it, and vectors of
    two values are no numbers to copy. O(n log n) in time, O(n) in memory.
    """
    groups = _diagonals(first.shape)
    if not (_centered(first, groups).any() or _centered(second, groups).any()):
        return False
    if np.array_equal(first, second, equal_nan=True):
        return first.ndim > 1 or len(np.unique(first)) > 2
    if first.size < _FEWEST or not (np.isfinite(first).all() and np.isfinite(second).all()):
        return False
    groups[_mask(first, second)] = _MASKED
    x, y = _centered(first, groups), _centered(second, groups)
    limit = _CHANCE - math.log(max(1, tensors))
    if not (x.any() and y.any()):
        return False
    return _in_place(x, y, limit) or _same_values(first.ravel(), second.ravel()) or _permuted(x, y, limit)


def _diagonals(shape: tuple[int, ...]) -> Groups:
    """The positions that an identity sets (Dirac's, for convolutions), as 1 or more.

    In PyTorch's layout the first two axes are channels, in Keras's the last two.
    """
    groups = np.zeros(shape, np.uint8)
    if len(shape) > 1:
        middle: list[Any] = [size // 2 for size in shape]
        first, last = np.arange(min(shape[:2])), np.arange(min(shape[-2:]))
        groups[(first, first, *middle[2:])] = 1
        groups[(*middle[:-2], last, last)] += 2
    return groups


def _mask(first: Floats, second: Floats) -> npt.NDArray[np.bool_]:
    """The positions that hold the most frequent value, if they are the same in both seeds."""
    values, counts = np.unique(first, return_counts=True)
    masked: npt.NDArray[np.bool_] = first == values[counts.argmax()]
    return masked & np.array_equal(masked, second == values[counts.argmax()])


def _centered(value: Floats, groups: Groups) -> Numbers:
    """The numbers less the mean of their group. What is left by rounding is 0."""
    numbers, flat = value.astype(np.float64), groups.ravel()
    with np.errstate(invalid="ignore", over="ignore"):
        means = np.bincount(flat, numbers.ravel()) / np.maximum(np.bincount(flat), 1)
        rest: Numbers = numbers - means[groups]
    rest[np.abs(rest) < 1e-6 * np.abs(numbers).max(initial=0)] = 0
    return rest


def _independent_share(x: Numbers) -> float:
    """3 / kurtosis, at most 1: 1 for normal and uniform numbers, the share of nonzero ones for sparse ones."""
    squares = x * x
    return float(min(1.0, 3 * squares.mean() ** 2 / (squares * squares).mean()))


def _in_place(x: Numbers, y: Numbers, limit: float) -> bool:
    r = abs(_correlation(x, y))
    return r >= _HALF and -(x.size - 2) * _told(x, y, r) < limit


def _told(x: Numbers, y: Numbers, r: float) -> float:
    """Nats that each number of two seeds tells about the other one if they correlate this much by chance."""
    share = min(_independent_share(x), _independent_share(y))
    return min(-share / 2 * math.log(max(1 - r * r, 1e-12)), _entropy(x, r), _entropy(y, r))


def _correlation(x: Numbers, y: Numbers) -> float:
    return float((x * y).sum() / math.sqrt(max((x * x).sum() * (y * y).sum(), 1e-300)))


def _permuted(x: Numbers, y: Numbers, limit: float) -> bool:
    ranks = _ranks(x), _ranks(y)
    for axis in range(x.ndim if x.ndim > 1 else 0):
        a, b = _slices(x, axis), _slices(y, axis)
        if min(a.shape) > 2 and _one_axis(a, b, limit):
            return True
        placed = _slices(ranks[0], axis), _slices(ranks[1], axis)
        if min(a.shape) > 2 and _several_axes(a, b, placed, limit):
            return True
    return False


def _slices(x: npt.NDArray[Number], axis: int) -> npt.NDArray[Number]:
    return np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)


def _spread(count: int, most: int) -> npt.NDArray[np.int64]:
    """At most this many of `count` indices, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def _cosines(x: Numbers, y: Numbers) -> Numbers:
    """Of each row of x with each row of y; on one thread, unlike a product of matrices."""
    cosines: Numbers = np.einsum("ik,jk->ij", _unit(x), _unit(y))
    return cosines


def _unit(rows: Numbers) -> Numbers:
    """Rows of length 1, contiguous in memory."""
    return np.ascontiguousarray(rows / np.maximum(np.sqrt((rows * rows).sum(axis=1, keepdims=True)), 1e-300))


def _one_axis(x: Numbers, y: Numbers, limit: float) -> bool:
    chosen, columns = _spread(len(x), _SLICES), _spread(x.shape[1], _COLUMNS)
    cosines = np.abs(_cosines(x[np.ix_(chosen, columns)], y[:, columns]))
    across = int((cosines.max(axis=1) >= _MOST).sum())
    if 2 * across < len(chosen):
        return False
    within = np.abs(_cosines(x[np.ix_(chosen, columns)], x[:, columns]))
    within[np.arange(len(chosen)), chosen] = 0
    if 2 * int((within.max(axis=1) >= _MOST).sum()) > across:
        return False
    one = math.log(2 * len(y)) - (len(columns) - 1) * _told(x, y, _MOST)
    return bool(across * one + len(chosen) * math.log(2) < limit)


def _several_axes(x: Numbers, y: Numbers, ranks: tuple[Singles, Singles], limit: float) -> bool:
    """A block of rows and columns, aligned. Of its numbers those count that orthogonal rows leave free."""
    rows, columns = _spread(len(x), _SLICES), _spread(x.shape[1], _SLICES)
    block, found = x[np.ix_(rows, columns)], _nearest(_features(ranks[0][rows]), _features(ranks[1]))
    for _ in range(3):
        across, signs = _most_alike(block.T, y[found].T)
        matched = y[:, across] * signs
        found, _ = _most_alike(block, matched)
    r = abs(_correlation(block, matched[found] * _signs(block, matched[found])))
    if r < _MOST:
        return False
    alignments = len(rows) * math.log(2 * len(y)) + len(columns) * math.log(2 * y.shape[1])
    smaller = min(block.shape)
    free = block.size - smaller * (smaller + 1) // 2
    return bool(alignments - free * _told(x, y, r) < limit)


def _ranks(x: Numbers) -> Singles:
    """The share of |numbers| below each; single precision is enough from here on."""
    ranks = np.empty(x.size, np.float32)
    sizes = (np.abs(x) / np.abs(x).max()).astype(np.float32)
    ranks[np.argsort(sizes, axis=None)] = (np.arange(x.size) + 0.5) / x.size
    return ranks.reshape(x.shape)


def _features(ranks: Singles) -> Singles:
    """Each row's distribution of |numbers|: the means of cosines of their ranks (by Chebyshev's recurrence), those
    weighted most that noise changes least."""
    before, wave = np.ones_like(ranks), np.cos(math.pi * ranks)
    first, means = wave, []
    for k in range(1, _FEATURES + 1):
        means.append(wave.mean(axis=1) / k)
        before, wave = wave, 2 * first * wave - before
    return np.stack(means, axis=1)


def _nearest(x: Singles, y: Singles) -> npt.NDArray[np.int64]:
    """The row of y that is nearest to each row of x."""
    squares = (y * y).sum(axis=1) - 2 * np.einsum("ik,jk->ij", x, y)
    nearest: npt.NDArray[np.int64] = squares.argmin(axis=1)
    return nearest


def _most_alike(x: Numbers, y: Numbers) -> tuple[npt.NDArray[np.int64], Numbers]:
    """For each row of x the row of y with the largest |cosine|, and its sign."""
    cosines = _cosines(x, y)
    best = np.abs(cosines).argmax(axis=1)
    return best, np.sign(cosines[np.arange(len(best)), best])


def _signs(x: Numbers, y: Numbers) -> Numbers:
    signs: Numbers = np.sign((x * y).sum(axis=1, keepdims=True))
    return signs


def _entropy(x: Numbers, r: float) -> float:
    """Nats of one number, in bins as wide as the noise that leaves r."""
    width = math.sqrt(max(12 * (1 - r * r), 1e-6) * float((x * x).mean()))
    counts = np.unique(np.round(x / width), return_counts=True)[1] / x.size
    return float(-(counts * np.log(counts)).sum())


def _same_values(x: Floats, y: Floats) -> bool:
    """Whether sorted numbers differ by less than neighbors do. Numbers on a smooth grid hold nothing: an
    initialization may shuffle one."""
    x, y = (np.sort(value / math.sqrt((value * value).sum())) for value in (x.astype(np.float64), y.astype(np.float64)))
    gaps = np.diff(x)
    if np.count_nonzero(gaps) < _DISTINCT * len(gaps):
        return False
    uneven = np.abs(np.diff(gaps)) / np.maximum(gaps[1:] + gaps[:-1], 1e-300)
    apart = min(float(np.median(np.abs(x - other))) for other in (y, -y[::-1]))
    return apart < _NEAR * float(np.median(gaps)) and float(np.median(uneven)) > _GRID
