"""Batch normalization: the moments of a batch in double precision, what follows from them, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.engine.addresses import Value
from harness.engine.kernels.epilogue import Finish, Kept
from harness.engine.steps import Epilogue, Place
from harness.engine.values import DOUBLE, FLOAT, Doubles, Pointer, Vector, Whole
from harness.engine.writer import Code, Writer


@dataclass(frozen=True)
class Sizes:
    """What is normalized, by channels, and what the epilogue writes."""

    x: Place
    y: Place
    epilogue: Epilogue

    @property
    def reaches_all(self) -> bool:
        """Whether the epilogue's windows leave no number over."""
        return self.epilogue.reaches_all(self.x.dims)


def moment(code: Code, x: Place, *, is_centered: bool) -> str:
    """x, centers, mask, sums, blocks: for each channel the sum of x, or of (x - center)^2, over the images that the
    mask (a vector of 1 and 0 for each block) lets count."""

    def body(
        w: Writer, read: Pointer, centers: Pointer, mask: Pointer, sums: Pointer, blocks: Whole
    ) -> None:  # fmt: skip
        source = Value(read, x, blocks)

        def channel(c: Whole) -> None:
            center: Vector = centers[c].spread()

            def number(value: Vector, counts: Vector) -> Vector:
                if not is_centered:
                    return value * counts
                apart = (value - center) * counts
                return apart * apart

            def block(n: Whole, total: Doubles) -> Doubles:
                counts = mask[n]

                def line(h: Whole, total: Doubles) -> Doubles:
                    row = source.row(n, c, h)
                    part = w.fold(x.dims[2], lambda q, now: now + number(row[q], counts), w.vector(0.0))
                    return total + part.doubled()

                return w.fold(x.dims[1], line, total)

            _store(w, sums, c, w.fold(blocks, block, w.doubles(0.0)))

        w.loop(x.dims[0], channel)

    arguments = (code.floats, FLOAT, code.floats, DOUBLE, None)
    return code.function(("moment", x, is_centered), arguments, body, internal=False)


def _store(w: Writer, sums: Pointer, index: Whole, total: Doubles) -> None:
    w.builder.store(total.total(), (sums + index).value, align=8)


def forward(code: Code, sizes: Sizes) -> str:
    """x, factors, shifts (of each channel), y, kept numbers, picks, blocks: x * factor + shift, and the epilogue."""

    def body(
        w: Writer, x: Pointer, factors: Pointer, shifts: Pointer, y: Pointer, kept: Pointer, picks: Pointer,
        blocks: Whole,
    ) -> None:  # fmt: skip
        source = Value(x, sizes.x, blocks)
        finish = Finish(w, sizes.epilogue, sizes.x.dims, Value(y, sizes.y, blocks), Kept(kept, picks))

        def row(n: Whole, c: Whole, line: Whole, factor: Vector, shift: Vector) -> None:
            def load(extra: int, column: int | Whole) -> Vector:
                number = source.row(n, c, line * sizes.epilogue.lines + extra)[column]
                return shift.plus_product(number, factor)

            finish.forward(n, c, line, load)

        def channel(n: Whole, c: Whole) -> None:
            factor, shift = factors[c].spread(), shifts[c].spread()
            w.loop(sizes.y.dims[1], lambda h: row(n, c, h, factor, shift))

        w.loop(blocks, lambda n: w.loop(sizes.x.dims[0], lambda c: channel(n, c)))

    arguments = (code.floats, FLOAT, FLOAT, code.floats, code.floats, code.bytes, None)
    return code.function(("normalization", sizes), arguments, body, internal=False)


def sums(code: Code, sizes: Sizes) -> str:
    """x, means, inverse deviations, gradient of y, y, kept numbers, picks, sums (two for each channel), blocks: the sum
    of the gradients before the epilogue, and that of their products with the normalized numbers."""

    def body(
        w: Writer, x: Pointer, means: Pointer, inverses: Pointer, given: Pointer, y: Pointer, kept: Pointer,
        picks: Pointer, found: Pointer, blocks: Whole,
    ) -> None:  # fmt: skip
        def channel(c: Whole) -> None:
            mean, inverse = means[c].spread(), inverses[c].spread()

            def line(n: Whole, h: Whole, total: Doubles, products: Doubles) -> list[Any]:
                def emit(extra: int, column: Any, number: Vector, *now: Vector) -> list[Vector]:
                    value = _source(x, sizes, blocks).row(n, c, h * sizes.epilogue.lines + extra)[column]
                    return [now[0] + number, now[1].plus_product(number, (value - mean) * inverse)]

                parts = finish.backward(n, c, h, gradient, emit, [w.vector(0.0), w.vector(0.0)])
                return [total + parts[0].doubled(), products + parts[1].doubled()]

            totals = _over_lines(w, blocks, sizes.y.dims[1], line, [w.doubles(0.0), w.doubles(0.0)])
            for number, total in enumerate(totals):
                _store(w, found, c * 2 + number, total)

        gradient = Value(given, sizes.y, blocks)
        finish = Finish(w, sizes.epilogue, sizes.x.dims, Value(y, sizes.y, blocks), Kept(kept, picks))
        w.loop(sizes.x.dims[0], channel)

    vector = code.floats
    arguments = (vector, FLOAT, FLOAT, vector, vector, vector, code.bytes, DOUBLE, None)
    return code.function(("normalization sums", sizes), arguments, body, internal=False)


def _source(x: Pointer, sizes: Sizes, blocks: Whole) -> Value:
    return Value(x, sizes.x, blocks)


def _over_lines(w: Writer, blocks: Whole, lines: int, body: Callable[..., list[Any]], carried: list[Any]) -> list[Any]:
    return w.loop(blocks, lambda n, *now: w.loop(lines, lambda h, *now: body(n, h, *now), now), carried)


def backward(code: Code, sizes: Sizes, *, adds: bool) -> str:
    """x, means, factors of the gradient, constants, slopes by x - mean, gradient of y, y, kept numbers, picks, mask,
    gradient of x, blocks: dx = (factor * e - constant - slope * (x - mean)) where the mask is 1, with e the gradient
    before the epilogue. What the pooling left over has e = 0."""

    def body(
        w: Writer, x: Pointer, means: Pointer, factors: Pointer, constants: Pointer, slopes: Pointer, given: Pointer,
        y: Pointer, kept: Pointer, picks: Pointer, mask: Pointer, result: Pointer, blocks: Whole,
    ) -> None:  # fmt: skip
        into, source, gradient = (
            Value(result, sizes.x, blocks),
            _source(x, sizes, blocks),
            Value(given, sizes.y, blocks),
        )
        finish = Finish(w, sizes.epilogue, sizes.x.dims, Value(y, sizes.y, blocks), Kept(kept, picks))

        def channel(n: Whole, c: Whole) -> None:
            mean, factor, constant, slope = (numbers[c].spread() for numbers in (means, factors, constants, slopes))
            counts: Vector = mask[n]

            def rest(read: Vector) -> Vector:
                """What does not depend on e."""
                found: Vector = ((read - mean) * slope + constant) * counts
                return found

            def left_over(h: Whole) -> None:
                read, out = source.row(n, c, h), into.row(n, c, h)
                w.loop(sizes.x.dims[2], lambda q: out.write(q, -rest(read[q]), adds=adds))

            def line(h: Whole) -> None:
                def emit(extra: int, column: Any, number: Vector) -> list[Any]:
                    place = h * sizes.epilogue.lines + extra
                    number = number * factor
                    if sizes.reaches_all:
                        number = number - rest(source.row(n, c, place)[column])
                    into.row(n, c, place).write(column, number, adds=adds or not sizes.reaches_all)
                    return []

                finish.backward(n, c, h, gradient, emit)

            if not sizes.reaches_all:
                w.loop(sizes.x.dims[1], left_over)
            w.loop(sizes.y.dims[1], line)

        w.loop(blocks, lambda n: w.loop(sizes.x.dims[0], lambda c: channel(n, c)))

    vector = code.floats
    arguments = (vector, FLOAT, FLOAT, FLOAT, FLOAT, vector, vector, vector, code.bytes, vector, vector, None)
    return code.function(("normalization back", sizes, adds), arguments, body, internal=False)
