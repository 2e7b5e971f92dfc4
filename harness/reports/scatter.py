"""The geometry of accuracy vs. parameters: dots, the Pareto front, the reference's crosshair. Pure numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.records.board import Board, Row
from harness.reports.axis import Axis, axis_of

WIDTH, HEIGHT = 760, 340
_RADIUS = 4.5
_WIDEST_SWARM = 90.0
_MARGIN = 0.08
_MOST_WHISKERS = 60
_MOST_SWARM = 300
"""More dots than this are a cloud in any order."""


@dataclass(frozen=True)
class Dot:
    """One submission: its position in the picture, and the ends of its interval, in units of the picture.

    `is_below` marks one whose accuracy is off the axis; only those on the front have a `label`.
    """

    row: int
    x: float
    y: float
    low: float
    high: float
    is_below: bool = False
    label: bool = False


@dataclass(frozen=True)
class Scatter:
    """All dots, the corners of the front, ticks of both axes as (position, text), and the references' crosshairs."""

    dots: tuple[Dot, ...]
    front: str
    columns: tuple[tuple[float, str], ...]
    lines: tuple[tuple[float, str], ...]
    crosses: tuple[tuple[float, float], ...]
    has_whiskers: bool


def scatter(board: Board) -> Scatter | None:
    """The picture of a board; None where nothing was measured."""
    axis = axis_of(board)
    shown = [(i, row) for i, row in enumerate(board.rows) if row.accuracy is not None and row.parameters]
    if axis is None or not shown:
        return None
    scale = _Scale(axis, [row.parameters or 1 for _, row in shown])
    best = front([row for _, row in shown])
    dots = tuple(scale.dots(shown, best))
    crosses = [(scale.x(row.parameters or 1), scale.y(row.accuracy or 0)) for _, row in shown if row.is_reference]
    lines = tuple((scale.y(tick), f"{axis.label(tick)} %") for tick in axis.ticks)
    whiskers = len(dots) <= _MOST_WHISKERS
    return Scatter(dots, scale.stairs(best), tuple(scale.columns()), lines, tuple(dict.fromkeys(crosses)), whiskers)


def front(rows: Sequence[Row]) -> list[Row]:
    """The submissions that no other beats in accuracy with as few parameters, fewest parameters first."""
    competing = [row for row in rows if not row.is_reference]
    best: list[Row] = []
    for row in sorted(competing, key=lambda row: (row.parameters or 0, -(row.accuracy or 0))):
        if not best or (row.accuracy or 0) > (best[-1].accuracy or 0):
            best.append(row)
    return best


class _Scale:
    """From parameters (logarithmic) and accuracy to the picture."""

    def __init__(self, axis: Axis, parameters: Sequence[int]) -> None:
        self._axis = axis
        low, high = math.log10(min(parameters)), math.log10(max(parameters))
        margin = max(_MARGIN * (high - low), 0.25)
        self._low, self._high = low - margin, high + margin

    def x(self, parameters: int) -> float:
        """Position of a number of parameters."""
        return round(WIDTH * (math.log10(parameters) - self._low) / (self._high - self._low), 1)

    def y(self, accuracy: float) -> float:
        """Position of an accuracy; values off the axis are at its end."""
        share = (accuracy - self._axis.low) / (self._axis.high - self._axis.low)
        return round(HEIGHT * (1 - min(max(share, 0.0), 1.0)), 1)

    def columns(self) -> Iterator[tuple[float, str]]:
        """Ticks at 1, 2 and 5 of each power of ten."""
        for power in range(math.floor(self._low), math.ceil(self._high) + 1):
            for value in (10.0**power * step for step in (1, 2, 5)):
                if value >= 1 and self._low <= math.log10(value) <= self._high:
                    yield self.x(round(value)), f"{value:,.0f}"

    def dots(self, shown: Sequence[tuple[int, Row]], best: Sequence[Row]) -> Iterator[Dot]:
        """A dot for each row; dots that would overlap are placed side by side."""
        taken: list[tuple[float, float]] = []
        for index, row in shown:
            accuracy = row.accuracy or 0.0
            x, y = self.x(row.parameters or 1), self.y(accuracy)
            if len(shown) <= _MOST_SWARM:
                x, y = _beside(taken, x, y)
                taken.append((x, y))
            low, high = (self._end(value, y) for value in (row.accuracy_low, row.accuracy_high))
            is_best = any(row is one for one in best)
            yield Dot(index, x, y, low, high, is_below=accuracy < self._axis.low, label=is_best)

    def _end(self, accuracy: float | None, y: float) -> float:
        """Where an interval ends; at the dot itself where there is none."""
        return self.y(accuracy) if accuracy is not None and math.isfinite(accuracy) else y

    def stairs(self, best: Sequence[Row]) -> str:
        """The front as a line that goes right and then up, from one submission to the next."""
        points: list[tuple[float, float]] = []
        for row in best:
            x, y = self.x(row.parameters or 1), self.y(row.accuracy or 0)
            points += [(x, points[-1][1])] if points else []
            points.append((x, y))
        points += [(WIDTH, points[-1][1])] if points else []
        return " ".join(f"{x:g},{y:g}" for x, y in points)


def _beside(taken: Sequence[tuple[float, float]], x: float, y: float) -> tuple[float, float]:
    """The nearest free position to the right or left of (x, y); in a large crowd dots overlap."""
    near = [other for other in taken if abs(other[1] - y) < 2 * _RADIUS and abs(other[0] - x) <= 2 * _WIDEST_SWARM]
    shift = 0.0
    while shift <= _WIDEST_SWARM:
        for side in (x + shift, x - shift):
            if all(math.dist((side, y), other) >= 2 * _RADIUS for other in near):
                return round(side, 1), y
        shift += _RADIUS / 2
    return x, y
