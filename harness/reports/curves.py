"""The geometry of learning curves: accuracy on held-out images after each epoch. Pure numbers, no markup."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.results import Board, Row

_REACH = 0.06
"""A curve more than this far below the best leaves the picture: one bad start must not flatten the others."""


@dataclass(frozen=True)
class Line:
    """One curve. `row` is the position of its submission, None for one seed of many."""

    points: str
    row: int | None = None
    is_reference: bool = False


@dataclass(frozen=True)
class Chart:
    """Curves in a box of `width` x `height`, with the range of accuracies it shows and the last epoch."""

    width: int
    height: int
    lines: tuple[Line, ...]
    low: float
    high: float
    epochs: int

    def epoch_at(self, epoch: int) -> float:
        """Where an epoch, counted from 1, stands."""
        return round(self.width * (epoch - 1) / (self.epochs - 1), 1)


@dataclass(frozen=True)
class _Values:
    accuracies: Sequence[float]
    row: int | None = None
    is_reference: bool = False


def seed_chart(row: Row, reference: Row | None = None) -> Chart | None:
    """A curve for each seed, and the reference's mean; None where there are no two epochs to join."""
    seeds = [_Values(curve.validation_accuracy) for curve in row.curves]
    return _chart([*_mean(reference), *seeds], 260, 90)


def class_chart(board: Board) -> Chart | None:
    """A curve for each submission, the mean over its seeds; None where there are no two epochs to join."""
    means = [_Values(value.accuracies, i, row.is_reference) for i, row in enumerate(board.rows) for value in _mean(row)]
    return _chart(means, 760, 300)


def _mean(row: Row | None) -> Iterable[_Values]:
    """The mean curve over the seeds that got to the end; none without them."""
    curves = [curve.validation_accuracy for curve in row.curves] if row else []
    whole = [curve for curve in curves if len(curve) == max(map(len, curves)) and all(map(math.isfinite, curve))]
    if row and whole and whole[0]:
        yield _Values([sum(values) / len(values) for values in zip(*whole, strict=True)], None, row.is_reference)


def _chart(curves: Sequence[_Values], width: int, height: int) -> Chart | None:
    epochs = max((len(curve.accuracies) for curve in curves), default=0)
    values = [value for curve in curves for value in curve.accuracies if math.isfinite(value)]
    if epochs < 2 or not values:
        return None
    high = max(values)
    low = max(min(values), high - _REACH)
    empty = Chart(width, height, (), low, high, epochs)
    drawn = (Line(_points(empty, curve.accuracies), curve.row, curve.is_reference) for curve in curves)
    return Chart(width, height, tuple(line for line in drawn if line.points), low, high, epochs)


def _points(chart: Chart, accuracies: Sequence[float]) -> str:
    spread = chart.high - chart.low or 1.0
    heights = [chart.height * min((chart.high - value) / spread, 1.0) for value in accuracies]
    return " ".join(f"{chart.epoch_at(i):g},{y:.1f}" for i, y in enumerate(heights, 1) if math.isfinite(y))
