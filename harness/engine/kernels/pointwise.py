"""Steps without sums over channels: activations and poolings by themselves, sums of two values, copies, scales and
dropout."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.addresses import Value, each_row
from harness.engine.kernels.epilogue import Finish, Kept
from harness.engine.steps import Epilogue, Place, Triple
from harness.engine.values import FLOAT, Pointer, Vector, Whole
from harness.engine.writer import Code, Writer


@dataclass(frozen=True)
class Sizes:
    """What is read, perhaps plus `factor` times another value of the same dims, and what the epilogue writes."""

    x: Place
    other: Place | None
    factor: float
    y: Place
    epilogue: Epilogue


def forward(code: Code, sizes: Sizes) -> str:
    """x, other, y, kept numbers, picks, blocks."""

    def body(
        w: Writer, x: Pointer, other: Pointer, y: Pointer, kept: Pointer, picks: Pointer, blocks: Whole
    ) -> None:  # fmt: skip
        first = Value(x, sizes.x, blocks)
        second = Value(other, sizes.other, blocks) if sizes.other else None
        finish = Finish(w, sizes.epilogue, sizes.x.dims, Value(y, sizes.y, blocks), Kept(kept, picks))

        def row(n: Whole, c: Whole, line: Whole) -> None:
            def load(extra: int, column: int | Whole) -> Vector:
                h = line * sizes.epilogue.lines + extra
                found = first.row(n, c, h)[column]
                return found + second.row(n, c, h)[column] * sizes.factor if second else found

            finish.forward(n, c, line, load)

        each_row(w, blocks, sizes.y, row)

    arguments = (code.floats, code.floats, code.floats, code.floats, code.bytes, None)
    return code.function(("pointwise", sizes), arguments, body, internal=False)


def backward(code: Code, sizes: Sizes, into: Place, factor: float, *, adds: bool) -> str:
    """Gradient of y, y, kept numbers, picks, gradient of what was read, blocks. What the pooling left over is not
    written."""

    def body(
        w: Writer, given: Pointer, y: Pointer, kept: Pointer, picks: Pointer, result: Pointer, blocks: Whole
    ) -> None:  # fmt: skip
        gradient, written = Value(given, sizes.y, blocks), Value(result, into, blocks)
        finish = Finish(w, sizes.epilogue, sizes.x.dims, Value(y, sizes.y, blocks), Kept(kept, picks))

        def row(n: Whole, c: Whole, line: Whole) -> None:
            def emit(extra: int, column: int | Whole, number: Vector) -> list[Vector]:
                place = written.row(n, c, line * sizes.epilogue.lines + extra)
                place.write(column, number if factor == 1.0 else number * factor, adds=adds)
                return []

            finish.backward(n, c, line, gradient, emit)

        each_row(w, blocks, sizes.y, row)

    arguments = (code.floats, code.floats, code.floats, code.bytes, code.floats, None)
    return code.function(("pointwise back", sizes, into, factor, adds), arguments, body, internal=False)


def scale(code: Code, x: Place, y: Place, operator: str, strides: Triple, *, is_reversed: bool) -> str:
    """x, numbers (broadcast by these strides), y, blocks: y = x operator numbers, or the other way round."""

    def body(w: Writer, read: Pointer, numbers: Pointer, written: Pointer, blocks: Whole) -> None:
        source, result = Value(read, x, blocks), Value(written, y, blocks)

        def row(n: Whole, c: Whole, h: Whole) -> None:
            start = numbers + (c * strides[0] + h * strides[1])
            given, out = source.row(n, c, h), result.row(n, c, h)

            def one(q: Whole) -> None:
                pair = (given[q], start[q * strides[2]].spread())
                out[q] = _applied(operator, *(pair[::-1] if is_reversed else pair))

            w.loop(x.dims[2], one)

        each_row(w, blocks, x, row)

    key = ("scale", x, y, operator, strides, is_reversed)
    return code.function(key, (code.floats, FLOAT, code.floats, None), body, internal=False)


def _applied(operator: str, one: Vector, other: Vector) -> Vector:
    if operator == "Add":
        return one + other
    if operator == "Sub":
        return one - other
    return one * other if operator == "Mul" else one / other


def scale_backward(
    code: Code, x: Place, y: Place, operator: str, strides: Triple, *, is_reversed: bool, adds: bool, learns: bool
) -> str:
    """x, numbers, gradient of y, gradient of x, sums for the numbers (a vector each), blocks. A number of a whole line
    has a sum for each line, as a bias of a convolution has."""

    def body(
        w: Writer, read: Pointer, numbers: Pointer, given: Pointer, result: Pointer, sums: Pointer, blocks: Whole
    ) -> None:  # fmt: skip
        source, into, gradient = (Value(m, p, blocks) for m, p in ((read, x), (result, x), (given, y)))

        def row(n: Whole, c: Whole, h: Whole) -> None:
            first = c * strides[0] + h * strides[1]
            rows = source.row(n, c, h), into.row(n, c, h), gradient.row(n, c, h)

            def one(q: Whole, *total: Vector) -> list[Vector]:
                place = first + q * strides[2]
                number, slope = rows[0][q], rows[2][q]
                both = _slopes(operator, number, numbers[place].spread(), is_reversed=is_reversed)
                rows[1].write(q, slope * both[0], adds=adds)
                if learns and not total:
                    sums.add(place, slope * both[1])
                return [now + slope * both[1] for now in total]

            is_one = learns and not strides[2]
            for total in w.loop(x.dims[2], one, [w.vector(0.0)] if is_one else []):
                sums.add(first, total)

        each_row(w, blocks, x, row)

    key = ("scale back", x, y, operator, strides, is_reversed, adds, learns)
    arguments = (code.floats, FLOAT, code.floats, code.floats, code.floats, None)
    return code.function(key, arguments, body, internal=False)


def _slopes(operator: str, x: Vector, number: Vector, *, is_reversed: bool) -> tuple[Vector, Vector]:
    """The slopes by x and by the number."""
    one = x.writer.vector(1.0)
    if operator == "Add":
        return one, one
    if operator == "Sub":
        return (-one, one) if is_reversed else (one, -one)
    if operator == "Mul":
        return number, x
    return (-(number / (x * x)), one / x) if is_reversed else (one / number, -(x / (number * number)))


def drop(code: Code, x: Place, y: Place, ratio: float, *, adds: bool) -> str:
    """x, random whole numbers of 32 bits (each number of an image, then the images), their least to be kept, y, blocks:
    what is kept is divided by 1 - ratio. The way back is the same, from gradient to gradient."""

    def body(w: Writer, read: Pointer, random: Pointer, least: Whole, written: Pointer, blocks: Whole) -> None:
        source, result = Value(read, x, blocks), Value(written, y, blocks)

        def row(n: Whole, c: Whole, h: Whole) -> None:
            given, out = source.row(n, c, h), result.row(n, c, h)
            first = (c * x.dims[1] + h) * x.dims[2]

            def one(q: Whole) -> None:
                is_kept = random[(first + q) * blocks + n].at_least(least)
                out.write(q, is_kept.select(given[q] * (1 / (1 - ratio)), 0.0), adds=adds)

            w.loop(x.dims[2], one)

        each_row(w, blocks, x, row)

    ints = code.ints
    return code.function(
        ("drop", x, y, ratio, adds), (code.floats, ints, None, code.floats, None), body, internal=False
    )
