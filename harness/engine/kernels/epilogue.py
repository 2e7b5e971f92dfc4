"""What happens to a step's results before they are written, and the way back: activations and pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.engine.addresses import Row, Value
from harness.engine.functions import activated, passed_back
from harness.engine.steps import MOST_WRITTEN, Activation, Epilogue, Pool, Triple
from harness.engine.values import Bytes, Pointer, Vector, Whole
from harness.engine.writer import Writer

Load = Callable[[int, "int | Whole"], Vector]
"""The number in a line of the window and a column of the image, before everything."""
Emit = Callable[..., Sequence[Any]]
"""Takes line, column, gradient and what is carried; returns what is carried on."""


@dataclass(frozen=True)
class Kept:
    """What an epilogue keeps for the way back: a vector for each number before the pooling, a byte for each after."""

    numbers: Pointer
    picks: Pointer


@dataclass(frozen=True)
class Finish:
    """An epilogue of results of these dims, written for one row of what it writes at a time."""

    writer: Writer
    epilogue: Epilogue
    dims: Triple
    y: Value
    kept: Kept

    def forward(self, block: Whole, channel: Whole, line: Whole, load: Load) -> None:
        """Write one row."""
        row = self.y.row(block, channel, line)
        numbers, picks = self._kept(block, channel, line)
        width = self.epilogue.result(self.dims)[2]
        pool = self.epilogue.pool
        if pool and pool.is_max:
            self.writer.loop(width, lambda q: self._largest(pool, row, picks, q, load))
        elif pool:
            self.writer.loop(width, lambda q: self._mean(pool, row, numbers, q, load))
        else:
            self.writer.loop(width, lambda q: self._one(row, numbers, q, load))

    def _kept(self, block: Whole, channel: Whole, line: Whole) -> tuple[Pointer, Pointer]:
        channels, height, width = self.dims
        _, lines, columns = self.epilogue.result(self.dims)
        image = block * channels + channel
        numbers = image * (height * width) + line * (self.epilogue.lines * width)
        return self.kept.numbers + numbers, self.kept.picks + (image * lines + line) * columns

    def _one(self, row: Row, numbers: Pointer, column: Whole, load: Load) -> None:
        x = load(0, column)
        if self.epilogue.keeps:
            numbers[column] = x
        row[column] = activated(self.epilogue.activation, x)

    def _mean(self, pool: Pool, row: Row, numbers: Pointer, column: Whole, load: Load) -> None:
        def one(line: Any, offset: Any, total: Vector) -> list[Vector]:
            x = load(line, column * pool.width + offset)
            y = activated(self.epilogue.activation, x)
            if self.epilogue.keeps:
                assert self.epilogue.activation is not None
                place = column * pool.width + (line * self.dims[2] + offset)
                numbers[place] = x if self.epilogue.activation.needs_input else y
            return [total + y]

        (total,) = _over_window(self.writer, pool, one, [self.writer.vector(0.0)])
        row[column] = activated(self.epilogue.after, total * (1 / pool.area))

    def _largest(self, pool: Pool, row: Row, picks: Pointer, column: Whole, load: Load) -> None:
        """The first of the largest, or the last NaN, as the frameworks choose."""
        window = _window(pool)
        best, pick = load(0, column * pool.width), Bytes.of(self.writer, 0)
        for number, (line, offset) in enumerate(window[1:], 1):
            x = load(line, column * pool.width + offset)
            is_larger = x.compare(">", best) | x.is_nan()
            best = is_larger.select(x, best)
            pick = is_larger.pick(Bytes.of(self.writer, number), pick)
        if _is_relu(self.epilogue.after):
            pick = best.compare("<=", 0.0).pick(Bytes.of(self.writer, pool.area), pick)
        picks[column] = pick
        row[column] = activated(self.epilogue.after, best)

    def backward(
        self, block: Whole, channel: Whole, line: Whole, gradient: Value, emit: Emit, carried: Sequence[Any] = ()
    ) -> list[Any]:
        """Hand on the gradients of one row: `emit` gets each number of its lines once, but for those that the pooling
        left over at the right."""
        given, row = gradient.row(block, channel, line), self.y.row(block, channel, line)
        numbers, picks = self._kept(block, channel, line)
        pool = self.epilogue.pool
        if pool and pool.is_max:
            one: Emit = lambda q, *now: self._to_largest(pool, given[q], row, picks, q, emit, now)  # noqa: E731
        elif pool:
            one = lambda q, *now: self._to_all(pool, given[q], row, numbers, q, emit, now)  # noqa: E731
        else:
            one = lambda q, *now: self._to_one(given[q], row, numbers, q, emit, now)  # noqa: E731
        return self.writer.loop(self.epilogue.result(self.dims)[2], one, carried)

    def _to_one(
        self, gradient: Vector, row: Row, numbers: Pointer, column: Whole, emit: Emit, now: Sequence[Any]
    ) -> Sequence[Any]:
        activation = self.epilogue.activation
        if activation:
            gradient = passed_back(activation, gradient, numbers[column] if activation.needs_input else row[column])
        return emit(0, column, gradient, *now)

    def _to_all(
        self, pool: Pool, gradient: Vector, row: Row, numbers: Pointer, column: Whole, emit: Emit, now: Sequence[Any]
    ) -> Sequence[Any]:
        if self.epilogue.after:
            gradient = passed_back(self.epilogue.after, gradient, row[column])
        gradient = gradient * (1 / pool.area)

        def one(line: Any, offset: Any, *now: Any) -> Sequence[Any]:
            each = gradient
            if self.epilogue.activation:
                kept = numbers[column * pool.width + (line * self.dims[2] + offset)]
                each = passed_back(self.epilogue.activation, gradient, kept)
            return emit(line, column * pool.width + offset, each, *now)

        return _over_window(self.writer, pool, one, now)

    def _to_largest(
        self, pool: Pool, gradient: Vector, row: Row, picks: Pointer, column: Whole, emit: Emit, now: Sequence[Any]
    ) -> Sequence[Any]:
        """A relu's zeros were picked as no number of the window, so its slope costs nothing here."""
        if self.epilogue.after and not _is_relu(self.epilogue.after):
            gradient = passed_back(self.epilogue.after, gradient, row[column])
        pick: Bytes = picks[column]
        for number, (line, offset) in enumerate(_window(pool)):
            each = pick.equals(number).select(gradient, 0.0)
            now = emit(line, column * pool.width + offset, each, *now)
        return now


def _window(pool: Pool) -> list[tuple[int, int]]:
    return [(line, offset) for line in range(pool.height) for offset in range(pool.width)]


def _over_window(w: Writer, pool: Pool, body: Emit, carried: Sequence[Any]) -> Sequence[Any]:
    """carried = body(line, offset, *carried): a small window is written out, a large one is a loop."""
    if pool.area > MOST_WRITTEN:
        return w.loop(pool.height, lambda l, *now: w.loop(pool.width, lambda o, *now: body(l, o, *now), now), carried)  # noqa: E741
    for line, offset in _window(pool):
        carried = body(line, offset, *carried)
    return carried


def _is_relu(activation: Activation | None) -> bool:
    return activation is not None and activation.operator == "Relu"
