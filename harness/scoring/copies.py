"""Whether two seeds start from copies of one set of numbers: in place, permuted, scaled, negated, or with some noise.

Four ways of copying one tensor are looked for, and each counts only where chance would give it to fewer than one model
in 10^9.

In place: Pearson's r over all numbers. With w in both seeds and noise of its own in each, r is the share of their
variance that is w's.

One axis permuted: the slices along an axis, matched by their largest |cosine|, which ignores scale and sign. Slices of
one seed are matched with each other as well: what has similar slices by its design has them there too. Where there
are enough, the difference of both counts is the evidence (Fisher's exact test).

Several axes permuted: slices matched by the distribution of their |numbers|, which no permutation within a slice
changes, then columns by cosine over matched slices, then slices again. r is that of the aligned numbers.

Any permutation: the sorted numbers, compared with the distance between neighbors among them. Two samples of one
distribution are some sqrt(n) neighbors apart.

A direction of n dimensions that is independent of another one has P(|r| >= c) <= (1 - c^2)^((n-1)/2), the share of a
sphere in two caps (Ball, An elementary introduction to modern convex geometry, 1997, lecture 2). So each number tells
-log(1 - r^2) / 2 of its copy. It tells no more than its own entropy (a sign: log 2), and of heavy-tailed or sparse
numbers only 3 / kurtosis count. The bound is multiplied by the number of possible alignments, and of tensors
(Bonferroni).
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", np.float64, np.float32)
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Groups = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]

_CHANCE = math.log(1e-9)
_FEWEST, _LARGEST = 16, 1 << 18
"""Fewer numbers than this are copies only if they are equal; more are compared by a sample."""
_HALF, _MOST = 0.5, 0.9
"""The least |r| in place, and the least |cosine| or |r| of what was matched: that is the best of many."""
_SLICES, _COLUMNS, _FEATURES = 96, 256, 12
"""At most so many slices are matched, over so many of their numbers, and by so many features of their distribution."""
_CANDIDATES = 1 << 14
"""An axis with more slices than this is not searched for a permutation."""
_DISTINCT, _NEAR, _GRID = 0.9, 0.1, 0.1
"""The least share of distinct numbers; how near sorted numbers are, in distances of neighbors; how uneven these are:
0.5 for a sample, 0 for a grid."""
_DENSE = 0.2
"""Numbers of fewer independent ones are sparse: equal slices may only say where the few nonzero numbers are."""
_MASKED = 4


def is_copy(first: Floats, second: Floats, tensors: int = 1, *, thorough: bool = True) -> bool:
    """Whether a tensor starts from the same numbers in two seeds, up to order, scale, sign and noise.

    `tensors` is how many are compared. Unless `thorough`, only copies in place and along one axis are looked for, by a
    sample. One value throughout, one on the diagonal and another beside it, and vectors of
    two values are no numbers to copy. O(n log n) in time, O(n) in memory.
    """
    groups = _diagonals(first.shape)
    if _is_plain(first, groups) and _is_plain(second, groups):
        return False
    if np.array_equal(first.view(np.uint32), second.view(np.uint32)):
        return first.ndim > 1 or len(np.unique(first)) > 2
    if first.size < _FEWEST or not (np.isfinite(first).all() and np.isfinite(second).all()):
        return False
    limit = _CHANCE - math.log(max(1, tensors))
    if not thorough or first.size > _LARGEST:
        return _is_copy_by_sample(first, second, limit)
    groups[_mask(first, second)] = _MASKED
    x, y = _centered(first, groups), _centered(second, groups)
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


def _is_plain(value: Floats, groups: Groups) -> bool:
    """Whether every group holds one value."""
    for group in range(_MASKED):
        chosen = groups == group
        if chosen.any() and (chosen & (value != value.flat[int(chosen.argmax())])).any():
            return False
    return True


def _mask(first: Floats, second: Floats) -> npt.NDArray[np.bool_]:
    """The positions that hold the most frequent value, if they are the same in both seeds."""
    values, counts = np.unique(first, return_counts=True)
    masked: npt.NDArray[np.bool_] = first == values[counts.argmax()]
    return masked & np.array_equal(masked, second == values[counts.argmax()])


def _centered(value: Floats, groups: Groups) -> Numbers:
    """The numbers less the mean of their group. What is left by rounding is 0."""
    numbers, flat = value.astype(np.float64), groups.ravel()
    means = np.bincount(flat, numbers.ravel()) / np.maximum(np.bincount(flat), 1)
    rest: Numbers = numbers - means[groups]
    rest[np.abs(rest) < 1e-6 * np.abs(numbers).max()] = 0
    return rest


def _is_copy_by_sample(first: Floats, second: Floats, limit: float) -> bool:
    places = _spread(first.size, _LARGEST)
    if _in_place(_from_mean(first.flat[places]), _from_mean(second.flat[places]), limit):
        return True
    axes = [axis for axis, size in enumerate(first.shape) if size <= _CANDIDATES]
    samples = ((_from_mean(_sampled(first, axis)), _from_mean(_sampled(second, axis))) for axis in axes)
    return any(_one_axis(x, y, limit) for x, y in samples)


def _from_mean(value: Floats) -> Numbers:
    numbers: Numbers = value - value.mean(dtype=np.float64)
    return numbers


def _sampled(value: Floats, axis: int) -> Floats:
    """The slices along an axis, with some of their numbers."""
    moved = np.moveaxis(value, axis, 0)
    chosen: list[Any] = list(np.unravel_index(_spread(value.size // len(moved), _COLUMNS), moved.shape[1:]))
    return moved[(slice(None), *chosen)]


def _in_place(x: Numbers, y: Numbers, limit: float) -> bool:
    r = abs(_correlation(x, y))
    return r >= _HALF and -(x.size - 2) * _told(x, y, r) < limit


def _correlation(x: Numbers, y: Numbers) -> float:
    return float((x * y).sum() / math.sqrt(max((x * x).sum() * (y * y).sum(), 1e-300)))


def _told(x: Numbers, y: Numbers, r: float) -> float:
    """Nats that a number of one seed tells of its copy in the other one."""
    share = min(_independent_share(x), _independent_share(y))
    return min(-share / 2 * math.log(max(1 - r * r, 1e-12)), _entropy(x, r), _entropy(y, r))


def _independent_share(x: Numbers) -> float:
    squares = x * x
    return float(min(1.0, 3 * squares.mean() ** 2 / max((squares * squares).mean(), 1e-300)))


def _entropy(x: Numbers, r: float) -> float:
    """Nats of one number, in bins as wide as the noise that leaves r."""
    width = math.sqrt(max(12 * (1 - r * r), 1e-6) * float((x * x).mean()))
    counts = np.unique(np.round(x / width), return_counts=True)[1] / x.size
    return float(-(counts * np.log(counts)).sum())


def _permuted(x: Numbers, y: Numbers, limit: float) -> bool:
    ranks = _ranks(x), _ranks(y)
    for axis in range(x.ndim if x.ndim > 1 else 0):
        a, b = _slices(x, axis), _slices(y, axis)
        if not 2 < len(a) <= _CANDIDATES or a.shape[1] < 3:
            continue
        features = _features(_slices(ranks[0], axis)), _features(_slices(ranks[1], axis))
        if _one_axis(a, b, limit) or _several_axes(a, b, features, limit):
            return True
    return False


def _slices(x: npt.NDArray[Number], axis: int) -> npt.NDArray[Number]:
    return np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)


def _spread(count: int, most: int) -> Indices:
    """At most this many of `count` indices, evenly spread."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)


def _one_axis(x: Numbers, y: Numbers, limit: float) -> bool:
    """Whether half of the slices have a copy, and more of them than in their own seed."""
    chosen, columns = _spread(len(x), _SLICES), _spread(x.shape[1], _COLUMNS)
    some = x[np.ix_(chosen, columns)]
    across = int((np.abs(_cosines(some, y[:, columns])).max(axis=1) >= _MOST).sum())
    if 2 * across < len(chosen):
        return False
    cosines = np.abs(_cosines(some, x[:, columns]))
    cosines[np.arange(len(chosen)), chosen] = 0
    within = int((cosines.max(axis=1) >= _MOST).sum())
    one = math.log(2 * len(y)) - (len(columns) - 1) * _told(x, y, _MOST)
    chance = across * one + len(chosen) * math.log(2)
    if min(_independent_share(x), _independent_share(y)) >= _DENSE:
        chance = min(chance, _by_exchange(across, within, len(chosen)))
    return 2 * within <= across and chance < limit


def _by_exchange(across: int, within: int, slices: int) -> float:
    """The log of the chance of so many more matches across seeds than within one, if a slice of either seed could as
    well be one of the other (Fisher's exact test, its largest term for each of them)."""
    ways = math.comb(slices, across) * math.comb(slices, within) / math.comb(2 * slices, across + within)
    return math.log(ways * slices)


def _cosines(x: Numbers, y: Numbers) -> Floats:
    """Of each row of x with each row of y; on one thread, unlike a product of matrices."""
    cosines: Floats = np.einsum("ik,jk->ij", _unit(x), _unit(y))
    return cosines


def _unit(rows: Numbers) -> Floats:
    """Rows of length 1, contiguous in memory."""
    lengths = np.maximum(np.sqrt((rows * rows).sum(axis=1, keepdims=True)), 1e-300)
    return np.ascontiguousarray(rows / lengths, np.float32)


def _several_axes(x: Numbers, y: Numbers, features: tuple[Floats, Floats], limit: float) -> bool:
    """A block of rows and columns, aligned. Of its numbers those count that orthogonal rows leave free."""
    rows, columns = _spread(len(x), _SLICES), _spread(x.shape[1], _SLICES)
    block, found = x[np.ix_(rows, columns)], _nearest(features[0][rows], features[1])
    for _ in range(3):
        across, signs = _most_alike(block.T, y[found].T)
        matched = y[:, across] * signs
        found, signs = _most_alike(block, matched)
    r = abs(_correlation(block, matched[found] * signs[:, None]))
    if r < _MOST:
        return False
    alignments = len(rows) * math.log(2 * len(y)) + len(columns) * math.log(2 * y.shape[1])
    smaller = min(block.shape)
    free = block.size - smaller * (smaller + 1) // 2
    return bool(alignments - free * _told(x, y, r) < limit)


def _ranks(x: Numbers) -> Floats:
    """The share of |numbers| below each; single precision is enough from here on."""
    ranks = np.empty(x.size, np.float32)
    sizes = (np.abs(x) / np.abs(x).max()).astype(np.float32)
    ranks[np.argsort(sizes, axis=None)] = (np.arange(x.size) + 0.5) / x.size
    return ranks.reshape(x.shape)


def _features(ranks: Floats) -> Floats:
    """Each row's distribution of |numbers|: the means of cosines of their ranks (by Chebyshev's recurrence), those
    weighted most that noise changes least."""
    before, wave = np.ones_like(ranks), np.cos(math.pi * ranks)
    first, means = wave, []
    for k in range(1, _FEATURES + 1):
        means.append(wave.mean(axis=1) / k)
        before, wave = wave, 2 * first * wave - before
    return np.stack(means, axis=1)


def _nearest(x: Floats, y: Floats) -> Indices:
    """The row of y that is nearest to each row of x."""
    squares = (y * y).sum(axis=1) - 2 * np.einsum("ik,jk->ij", x, y)
    nearest: Indices = squares.argmin(axis=1)
    return nearest


def _most_alike(x: Numbers, y: Numbers) -> tuple[Indices, Floats]:
    """For each row of x the row of y with the largest |cosine|, and its sign."""
    cosines = _cosines(x, y)
    best = np.abs(cosines).argmax(axis=1)
    return best, np.sign(cosines[np.arange(len(best)), best])


def _same_values(first: Floats, second: Floats) -> bool:
    """Whether sorted numbers differ by less than neighbors do. Numbers on a smooth grid hold nothing: an
    initialization may shuffle one."""
    x, y = np.sort(first).astype(np.float64), np.sort(second).astype(np.float64)
    gaps = np.diff(x)
    if np.count_nonzero(gaps) < _DISTINCT * len(gaps):
        return False
    scale = math.sqrt((x * x).sum() / max((y * y).sum(), 1e-300))
    apart = min(float(np.median(np.abs(x - scale * other))) for other in (y, -y[::-1]))
    uneven = np.abs(np.diff(gaps)) / np.maximum(gaps[1:] + gaps[:-1], 1e-300)
    return apart < _NEAR * float(np.median(gaps)) and float(np.median(uneven)) > _GRID
