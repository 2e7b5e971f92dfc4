"""The common axis of accuracies and what a row shows on it. Pure numbers, no markup."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from harness.records.board import Board, Row

_REACH = 0.02
"""A row further than this below the best is off the axis, so that one failed training does not flatten the others."""
_STEPS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Axis:
    """A range of accuracies with its ticks; positions are percentages of the width."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> str:
        """Position of an accuracy; values off the axis are at its end."""
        share = (value - self.low) / (self.high - self.low)
        return f"{100 * min(max(share, 0.0), 1.0):.2f}%"

    def label(self, tick: float) -> str:
        """A tick in percent, with no more decimals than needed."""
        return f"{100 * tick:.2f}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class Bar:
    """What is drawn for one row: positions of the interval, the mean and each seed."""

    low: str
    high: str
    mean: str
    seeds: tuple[str, ...]
    is_off: bool


def axis_of(board: Board) -> Axis | None:
    """The axis that shows every row near the best one with its interval; None where nothing was measured."""
    return axis_of_rows(board.rows)


def axis_of_rows(rows: Sequence[Row], reach: float = _REACH) -> Axis | None:
    """The same for any rows, and for another reach below the best."""
    measured = [row for row in rows if _known(row.accuracy)]
    if not measured:
        return None
    best = max(_mean(row) for row in measured)
    return _round_axis(*_range([row for row in measured if _mean(row) >= best - reach], reach))


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _mean(row: Row) -> float:
    return row.accuracy or 0.0


def _range(rows: Sequence[Row], reach: float) -> tuple[float, float]:
    """Smallest and largest value drawn; the interval of a noisy row is cut off at the reach of the axis."""
    means = [_mean(row) for row in rows]
    drawn = [value for row in rows for value in (row.accuracy_low, row.accuracy_high, *row.seed_accuracies)]
    values = [*means, *filter(_known, drawn)]
    return max(min(values), max(means) - 1.5 * reach), max(values)


def _round_axis(low: float, high: float) -> Axis:
    margin = max(0.06 * (high - low), 0.0004)
    low, high = max(low - margin, 0.0), min(high + margin, 1.0)
    step = next((step for step in _STEPS if (high - low) / step <= 5), _STEPS[-1])
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Axis(low, high, tuple(round(index * step, 6) for index in range(first, last + 1)))


def bar(axis: Axis, row: Row) -> Bar | None:
    """The drawing of one row; None where nothing was measured."""
    if not _known(row.accuracy):
        return None
    mean = row.accuracy
    low, high = (value if _known(value) else mean for value in (row.accuracy_low, row.accuracy_high))
    seeds = tuple(axis.at(value) for value in filter(_known, row.seed_accuracies))
    return Bar(axis.at(low), axis.at(high), axis.at(mean), seeds, mean < axis.low)
