"""The geometry of learning curves: accuracy and loss after each epoch. Pure numbers, no markup."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.records.board import Board, Row

_REACH = 0.06
"""A curve further than this below the best leaves the picture, so that one bad start does not flatten the others."""


@dataclass(frozen=True)
class Line:
    """One curve. `row` is the position of its submission, None for one seed of many."""

    points: str
    row: int | None = None
    is_reference: bool = False
    is_training: bool = False


@dataclass(frozen=True)
class Chart:
    """Curves in a box of `width` x `height`, with the range of accuracies or losses shown and the last epoch."""

    width: int
    height: int
    lines: tuple[Line, ...]
    low: float
    high: float
    epochs: int
    is_loss: bool = False

    @property
    def has_training(self) -> bool:
        """Whether some of the curves are those on training images."""
        return any(line.is_training for line in self.lines)

    @property
    def has_held_out(self) -> bool:
        """Whether some are those on held-out images: a budget may hold out none."""
        return not all(line.is_training for line in self.lines)

    @property
    def has_reference(self) -> bool:
        """Whether the reference has a curve."""
        return any(line.is_reference for line in self.lines)

    @property
    def description(self) -> str:
        """What the picture shows, in words."""
        what, after = "loss" if self.is_loss else "accuracy", f"after each of {self.epochs} epochs"
        each = "one line per seed" if any(line.row is None for line in self.lines) else "one line per submission"
        if not self.has_held_out:
            return f"{what.capitalize()} on training images {after}, {each}; no images were held out."
        training = " Dotted: training images." if self.has_training else ""
        return f"Held-out {what} {after}, {each}.{training}"

    @property
    def title(self) -> str:
        """`loss, dotted: training images`."""
        dotted = ", dotted: training images" if self.has_held_out else " on training images"
        return f"{'loss' if self.is_loss else 'accuracy'}{dotted * self.has_training}"

    @property
    def numbered_epochs(self) -> tuple[int, ...]:
        """Epochs that get a number under the picture: the first, the middle if there is room, and the last."""
        return tuple(dict.fromkeys((1, (self.epochs + 1) // 2, self.epochs)))

    def epoch_at(self, epoch: int) -> float:
        """Position of an epoch, counted from 1."""
        return round(self.width * (epoch - 1) / (self.epochs - 1), 1)


@dataclass(frozen=True)
class _Values:
    values: Sequence[float]
    row: int | None = None
    is_reference: bool = False
    is_training: bool = False


def seed_chart(row: Row, reference: Row | None = None, *, training: bool = False) -> Chart | None:
    """A curve for each seed, on request on training images too, and the reference's mean; None with fewer than two
    epochs."""
    seeds = [_Values(curve.validation_accuracy) for curve in row.curves]
    trained = [_Values(curve.train_accuracy, is_training=True) for curve in row.curves if training]
    return _chart([*_mean(reference), *trained, *seeds], 260, 90)


def loss_chart(row: Row) -> Chart | None:
    """Loss of each seed, on held-out images and on training batches; None with fewer than two epochs."""
    seeds = [_Values(curve.validation_loss) for curve in row.curves]
    training = [_Values(curve.train_loss, is_training=True) for curve in row.curves]
    return _chart([*training, *seeds], 260, 90, is_loss=True)


def class_chart(board: Board) -> Chart | None:
    """A curve for each submission, the mean over its seeds; None with fewer than two epochs."""
    means = [_Values(value.values, i, row.is_reference) for i, row in enumerate(board.rows) for value in _mean(row)]
    return _chart(means, 760, 300)


def _mean(row: Row | None) -> Iterable[_Values]:
    """The mean curve over the seeds that finished; none without them."""
    curves = [curve.validation_accuracy for curve in row.curves] if row else []
    whole = [curve for curve in curves if len(curve) == max(map(len, curves)) and all(map(math.isfinite, curve))]
    if row and whole and whole[0]:
        yield _Values([sum(values) / len(values) for values in zip(*whole, strict=True)], None, row.is_reference)


def _chart(curves: Sequence[_Values], width: int, height: int, *, is_loss: bool = False) -> Chart | None:
    epochs = max((len(curve.values) for curve in curves), default=0)
    values = [value for curve in curves for value in curve.values if math.isfinite(value)]
    if epochs < 2 or not values:
        return None
    high = max(values)
    low = min(values) if is_loss else max(min(values), high - _REACH)
    empty = Chart(width, height, (), low, high, epochs, is_loss)
    drawn = (Line(_points(empty, c.values), c.row, c.is_reference, c.is_training) for c in curves)
    return replace(empty, lines=tuple(line for line in drawn if line.points))


def _points(chart: Chart, values: Sequence[float]) -> str:
    spread = chart.high - chart.low or 1.0
    heights = [chart.height * min((chart.high - value) / spread, 1.0) for value in values]
    return " ".join(f"{chart.epoch_at(i):g},{y:.1f}" for i, y in enumerate(heights, 1) if math.isfinite(y))
