"""Convolutions: results row by row in register tiles, the gradients of weights and of what was read.

Pads are columns of zeros in the memory of what is read; lines outside of the image are left out of the sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.engine.addresses import Value, within
from harness.engine.kernels.epilogue import Finish, Kept
from harness.engine.steps import Epilogue, Geometry, Place, Triple
from harness.engine.tiles import best_tile, parts
from harness.engine.values import FLOAT, Pointer, Vector, Whole
from harness.engine.writer import Code, Writer


@dataclass(frozen=True)
class Sizes:
    """A convolution of `x` with results of `dims` (channels, height, width), which `y` gets after the epilogue."""

    x: Place
    y: Place
    dims: Triple
    geometry: Geometry
    epilogue: Epilogue
    has_bias: bool
    registers: int

    @property
    def group_inputs(self) -> int:
        """Channels that one result reads."""
        return self.x.dims[0] // self.geometry.group

    @property
    def group_outputs(self) -> int:
        """Channels of results in one group."""
        return self.dims[0] // self.geometry.group

    @property
    def groups(self) -> tuple[int, int, int, int, int]:
        """The shape of the weights: group, out, in, height, width."""
        return self.geometry.group, self.group_outputs, self.group_inputs, *self.geometry.kernel

    @property
    def kernel_size(self) -> int:
        """Numbers of one kernel."""
        return self.geometry.kernel[0] * self.geometry.kernel[1]

    @property
    def spread(self) -> Spread:
        """How gradients of results are laid out for the way back."""
        return Spread(self)

    @property
    def scratch(self) -> int:
        """Vectors of the results of one row of what is written."""
        return self.dims[0] * self.epilogue.lines * self.dims[2]


@dataclass(frozen=True)
class Spread:
    """The gradients of one block's results, with zeros between them where the convolution has strides, and around them
    as far as the gradient of what was read needs them."""

    sizes: Sizes

    @property
    def lines(self) -> int:
        """Lines of one channel."""
        return (self.sizes.dims[1] - 1) * self.sizes.geometry.strides[0] + 1

    @property
    def before(self) -> int:
        """How far left of the first result the kernel reaches; negative where it starts further right."""
        geometry = self.sizes.geometry
        return (geometry.kernel[1] - 1) * geometry.dilations[1] - geometry.pads[1]

    @property
    def left(self) -> int:
        """Columns of zeros on the left."""
        return max(self.before, 0)

    @property
    def width(self) -> int:
        """Columns with the zeros around."""
        results = (self.sizes.dims[2] - 1) * self.sizes.geometry.strides[1] + 1
        right = self.sizes.x.dims[2] - 1 + self.sizes.geometry.pads[1] - (results - 1)
        return self.left + results + max(right, 0)

    @property
    def channel(self) -> int:
        """Vectors of one channel."""
        return self.lines * self.width


@dataclass(frozen=True)
class _Lines:
    """A convolution of one row of results: strides in vectors, all constant."""

    inputs: int
    outputs: int
    columns: int
    kernel: tuple[int, int]
    x_strides: Triple
    dilations: tuple[int, int]
    step: int
    y_channel: int
    adds: bool
    has_bias: bool


def forward(code: Code, sizes: Sizes) -> str:
    """x, packed weights (group, in, kernel, out), bias, y, kept numbers, picks, scratch, blocks."""
    vector = code.floats
    arguments = (vector, FLOAT, FLOAT, vector, vector, code.bytes, vector, None)

    def body(
        w: Writer, x: Pointer, weights: Pointer, bias: Pointer, y: Pointer, kept: Pointer, picks: Pointer,
        scratch: Pointer, blocks: Whole,
    ) -> None:  # fmt: skip
        image, result = Value(x, sizes.x, blocks), Value(y, sizes.y, blocks)
        finish = Finish(w, sizes.epilogue, sizes.dims, result, Kept(kept, picks))
        rows, width = sizes.epilogue.lines, sizes.dims[2]

        def results(c: Whole) -> Any:
            return lambda line, column: scratch[c * (rows * width) + column + line * width]

        def row(n: Whole, line: Whole) -> None:
            w.each(rows, lambda e: _row(w, sizes, image, n, line * rows + e, weights, bias, scratch + e * width))
            w.loop(sizes.dims[0], lambda c: finish.forward(n, c, line, results(c)))

        w.loop(blocks, lambda n: w.loop(sizes.epilogue.result(sizes.dims)[1], lambda line: row(n, line)))

    return code.function(("convolution", sizes), arguments, body, internal=False)


def _row(
    w: Writer, sizes: Sizes, image: Value, n: Whole, line: Whole, weights: Pointer, bias: Pointer, scratch: Pointer
) -> None:
    """All channels of one line of results."""
    geometry = sizes.geometry
    top, left, _, _ = geometry.pads
    above = line * geometry.strides[0] - top
    first, last = within(above, sizes.x.dims[1], geometry.dilations[0], geometry.kernel[0])
    lines = sizes.epilogue.lines
    shape = _Lines(
        sizes.group_inputs,
        sizes.group_outputs,
        sizes.dims[2],
        geometry.kernel,
        sizes.x.strides,
        geometry.dilations,
        geometry.strides[1],
        lines * sizes.dims[2],
        adds=False,
        has_bias=sizes.has_bias,
    )
    start = image.row(n, 0, above).start + -left

    def group(g: int | Whole) -> None:
        x = start + g * (sizes.group_inputs * sizes.x.strides[0])
        packed = weights + g * (sizes.group_inputs * sizes.kernel_size * sizes.group_outputs)
        out = scratch + g * (sizes.group_outputs * lines * sizes.dims[2])
        _lines(w, shape, x, packed, bias + g * sizes.group_outputs, out, first, last, sizes.registers)

    w.each(geometry.group, group, 1)


def _each_part(w: Writer, count: int, size: int, body: Callable[[Any, int], None]) -> None:
    """body(start, size) of each part of at most this size."""
    full, rest = divmod(count, size)
    w.each(full, lambda part: body(part * size, size))
    if rest:
        body(full * size, rest)


def _lines(
    w: Writer, shape: _Lines, x: Pointer, weights: Pointer, bias: Pointer, out: Pointer, first: Whole, last: Whole,
    registers: int,
) -> None:  # fmt: skip
    """One row of results by tiles of channels and columns."""
    tile = best_tile(shape.outputs, shape.columns, registers)

    def call(channel: int | Whole, rows: int, column: int | Whole, columns: int) -> None:
        name = _tile(w.code, shape, rows, columns)
        given = bias + channel if shape.has_bias else weights
        place = out + (channel * shape.y_channel + column)
        w.call(name, x + column * (shape.step * shape.x_strides[2]), weights + channel, given, place, first, last)

    def channels(channel: int | Whole, rows: int) -> None:
        _each_part(w, shape.columns, tile.columns, lambda column, columns: call(channel, rows, column, columns))

    _each_part(w, shape.outputs, tile.rows, channels)


def _tile(code: Code, shape: _Lines, rows: int, columns: int) -> str:
    """The sums over the kernel's lines from `first` to `last` of every channel read, kept in registers."""

    def body(
        w: Writer, x: Pointer, weights: Pointer, bias: Pointer, out: Pointer, first: Whole, last: Whole
    ) -> None:  # fmt: skip
        height, width = shape.kernel
        steps = [column * shape.step * shape.x_strides[2] for column in range(columns)]
        places = [row * shape.y_channel + column for row in range(rows) for column in range(columns)]

        def sums() -> list[Vector]:
            if shape.adds:
                return [out[place] for place in places]
            starts = [bias[row].spread() if shape.has_bias else w.vector(0.0) for row in range(rows)]
            return [start for start in starts for _ in range(columns)]

        def column(x: Pointer, weights: Pointer, found: tuple[Vector, ...]) -> list[Vector]:
            return _products([x[step] for step in steps], lambda row: weights[row].spread(), found)

        def line(x: Pointer, weights: Pointer, found: tuple[Vector, ...]) -> list[Vector]:
            across = shape.dilations[1] * shape.x_strides[2]
            return w.loop(width, lambda i, *now: column(x + i * across, weights + i * shape.outputs, now), found)

        def channel(x: Pointer, weights: Pointer, found: tuple[Vector, ...]) -> list[Vector]:
            down, size = shape.dilations[0] * shape.x_strides[1], width * shape.outputs
            return w.loop(last, lambda i, *now: line(x + i * down, weights + i * size, now), found, start=first)

        kernel = height * width * shape.outputs
        found = w.loop(
            shape.inputs, lambda i, *now: channel(x + i * shape.x_strides[0], weights + i * kernel, now), sums()
        )
        for place, total in zip(places, found, strict=True):
            out[place] = total

    arguments = (code.floats, FLOAT, FLOAT, code.floats, None, None)
    return code.function(("tile", shape, rows, columns), arguments, body, internal=True)


def _products(read: Sequence[Vector], factor: Callable[[int], Vector], totals: Sequence[Vector]) -> list[Vector]:
    """Add to each total the product of a row's factor and a column's number. A factor is loaded where it is used, so
    that the totals have the registers for themselves."""
    found: list[Vector] = []
    for row in range(len(totals) // len(read)):
        one = factor(row)
        found += [totals[row * len(read) + column].plus_product(one, number) for column, number in enumerate(read)]
    return found


def backward(code: Code, sizes: Sizes, gradient_place: Place, *, reads_gradient: bool, adds: bool) -> str:
    """x, gradient of y, y, kept numbers, picks, weights turned round (group, out, kernel, in), gradient of x, sums for
    weights and for the bias (a vector each), spread gradients (zeros before), blocks.

    Adds to the sums; writes the gradient of x only if it `reads_gradient`.
    """
    vector = code.floats
    arguments = (vector, vector, vector, vector, code.bytes, FLOAT, vector, vector, vector, vector, None)

    def body(
        w: Writer, x: Pointer, given: Pointer, y: Pointer, kept: Pointer, picks: Pointer, turned: Pointer,
        result: Pointer, weight_sums: Pointer, bias_sums: Pointer, spread: Pointer, blocks: Whole,
    ) -> None:  # fmt: skip
        finish = Finish(w, sizes.epilogue, sizes.dims, Value(y, sizes.y, blocks), Kept(kept, picks))
        gradient, image = Value(given, sizes.y, blocks), Value(x, sizes.x, blocks)
        into = Value(result, gradient_place, blocks)

        def block(n: Whole) -> None:
            _spread_out(w, sizes, finish, gradient, n, spread, bias_sums)
            _weights(w, sizes, image, n, spread, weight_sums)
            if reads_gradient:
                _inputs(w, sizes, into, n, spread, turned, adds=adds)

        w.loop(blocks, block)

    key = ("convolution back", sizes, gradient_place, reads_gradient, adds)
    return code.function(key, arguments, body, internal=False)


def _spread_out(
    w: Writer, sizes: Sizes, finish: Finish, gradient: Value, n: Whole, spread: Pointer, bias_sums: Pointer
) -> None:
    """The gradients of one block's results at their places, and their sums by channel, line by line: a long float32 sum
    of numbers that nearly cancel is less exact."""
    form, (down, across) = sizes.spread, sizes.geometry.strides

    def channel(c: Whole) -> None:
        def line(h: Whole, total: Vector) -> list[Any]:
            start = spread + (c * form.channel + h * (sizes.epilogue.lines * down * form.width) + form.left)

            def emit(extra: int, column: Whole, number: Vector, now: Vector) -> list[Vector]:
                start[column * across + extra * down * form.width] = number
                return [now + number]

            (own,) = finish.backward(n, c, h, gradient, emit, [w.vector(0.0)])
            return [total + own]

        (total,) = w.loop(sizes.epilogue.result(sizes.dims)[1], line, [w.vector(0.0)])
        bias_sums.add(c, total)

    w.loop(sizes.dims[0], channel)


def _weights(w: Writer, sizes: Sizes, image: Value, n: Whole, spread: Pointer, sums: Pointer) -> None:
    """Add this block's gradient of every weight: (out, in of the group, kernel), a vector each."""
    geometry, form = sizes.geometry, sizes.spread
    height, width = geometry.kernel
    tile = best_tile(sizes.group_outputs, width, sizes.registers, most_columns=7)
    x = image.row(n, 0, 0).start

    def outputs(g: int | Whole, out: int | Whole, rows: int) -> None:
        channels = g * sizes.group_outputs + out
        given = spread + (channels * form.channel + form.left)
        into = sums + channels * (sizes.group_inputs * sizes.kernel_size)

        def read(i: Whole) -> None:
            start = x + (g * sizes.group_inputs + i) * sizes.x.strides[0]
            kernel = into + i * sizes.kernel_size
            w.loop(height, lambda kh: _kernel_row(w, sizes, kh, rows, tile.columns, start, given, kernel))

        w.loop(sizes.group_inputs, read)

    def group(g: int | Whole) -> None:
        _each_part(w, sizes.group_outputs, tile.rows, lambda out, rows: outputs(g, out, rows))

    w.each(geometry.group, group, 1)


def _kernel_row(
    w: Writer, sizes: Sizes, kh: Whole, rows: int, most: int, x: Pointer, given: Pointer, kernel: Pointer
) -> None:
    geometry, form = sizes.geometry, sizes.spread
    (down, _), (apart, sideways), (top, left, _, _) = geometry.strides, geometry.dilations, geometry.pads
    above = kh * apart - top
    first, last = within(above, sizes.x.dims[1], down, sizes.dims[1])
    for kw, columns in parts(geometry.kernel[1], most):
        start = x + (first * down + above) * sizes.x.strides[1] + (kw * sideways - left) * sizes.x.strides[2]
        into = kernel + (kh * geometry.kernel[1] + kw)
        name = _weight_tile(w.code, sizes, rows, columns)
        w.call(name, start, given + first * (down * form.width), into, last - first)


def _weight_tile(code: Code, sizes: Sizes, rows: int, columns: int) -> str:
    """Sums over all results of some weights: `rows` channels by `columns` of one line of the kernel."""
    geometry, form = sizes.geometry, sizes.spread
    down, across = geometry.strides
    key = (
        "weights", sizes.x.strides, form.channel, form.width, geometry, sizes.group_inputs, sizes.dims[2], rows, columns
    )  # fmt: skip

    def body(w: Writer, x: Pointer, given: Pointer, sums: Pointer, lines: Whole) -> None:
        own = sizes.group_inputs * sizes.kernel_size
        places = [row * own + column for row in range(rows) for column in range(columns)]
        steps = [column * geometry.dilations[1] * sizes.x.strides[2] for column in range(columns)]

        def column(x: Pointer, given: Pointer, found: tuple[Vector, ...]) -> list[Vector]:
            return _products([x[step] for step in steps], lambda row: given[row * form.channel], found)

        def line(h: Whole, *found: Vector) -> list[Vector]:
            start, row = x + h * (down * sizes.x.strides[1]), given + h * (down * form.width)
            step = across * sizes.x.strides[2]
            return w.loop(sizes.dims[2], lambda q, *now: column(start + q * step, row + q * across, now), found)

        found = w.loop(lines, line, [sums[place] for place in places])
        for place, total in zip(places, found, strict=True):
            sums[place] = total

    return code.function(key, (code.floats, code.floats, code.floats, None), body, internal=True)


def _inputs(w: Writer, sizes: Sizes, into: Value, n: Whole, spread: Pointer, turned: Pointer, *, adds: bool) -> None:
    """The gradient of what was read: a convolution of the spread gradients with the kernel turned round."""
    geometry, form = sizes.geometry, sizes.spread
    height = geometry.kernel[0]
    above = (height - 1) * geometry.dilations[0] - geometry.pads[0]
    shape = _Lines(
        sizes.group_outputs,
        sizes.group_inputs,
        into.place.dims[2],
        geometry.kernel,
        (form.channel, form.width, 1),
        geometry.dilations,
        1,
        into.place.strides[0],
        adds=adds,
        has_bias=False,
    )

    def line(h: Whole) -> None:
        top = h - above
        first, last = within(top, form.lines, geometry.dilations[0], height)
        start = spread + (top * form.width + (form.left - form.before))
        result = into.row(n, 0, h).start

        def group(g: int | Whole) -> None:
            x = start + g * (sizes.group_outputs * form.channel)
            packed = turned + g * (sizes.group_inputs * sizes.kernel_size * sizes.group_outputs)
            out = result + g * (sizes.group_inputs * into.place.strides[0])
            _lines(w, shape, x, packed, packed, out, first, last, sizes.registers)

        w.each(geometry.group, group, 1)

    w.loop(into.place.dims[1], line)
