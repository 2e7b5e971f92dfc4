"""Pooling with windows that overlap or reach beyond the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.engine.addresses import Value, each_row, within
from harness.engine.steps import Geometry, Place
from harness.engine.values import Bytes, Pointer, Vector, Whole
from harness.engine.writer import Code, Writer

_LEAST = float("-inf")


@dataclass(frozen=True)
class Sizes:
    """What is read and written; with `counts_pads`, a mean divides by all of the window that lies within the pads."""

    x: Place
    y: Place
    geometry: Geometry
    is_max: bool
    counts_pads: bool


@dataclass(frozen=True)
class _Span:
    """The part of a window along one axis: from the window's `first` to before its `last` place, at `start` in the
    image; `counted` is what a mean divides by."""

    first: Whole
    last: Whole
    start: Whole
    counted: Whole


def _span(sizes: Sizes, axis: int, place: Whole) -> _Span:
    geometry, size = sizes.geometry, sizes.x.dims[1 + axis]
    before, after = geometry.pads[axis], geometry.pads[2 + axis]
    dilation, kernel = geometry.dilations[axis], geometry.kernel[axis]
    start = place * geometry.strides[axis] - before
    first, last = within(start, size, dilation, kernel)
    _, padded = within(start, size + after, dilation, kernel)
    return _Span(first, last, start, padded if sizes.counts_pads else last - first)


def _each_in_window(
    w: Writer, sizes: Sizes, across: _Span, down: _Span, body: Callable[..., Sequence[Any]], carried: Sequence[Any]
) -> list[Any]:
    """carried = body(line, column, number in the window, *carried)."""
    (apart, sideways), width = sizes.geometry.dilations, sizes.geometry.kernel[1]

    def line(i: Whole, *now: Any) -> list[Any]:
        def column(j: Whole, *now: Any) -> Sequence[Any]:
            return body(down.start + i * apart, across.start + j * sideways, i * width + j, *now)

        return w.loop(across.last, column, now, start=across.first)

    return w.loop(down.last, line, carried, start=down.first)


def forward(code: Code, sizes: Sizes) -> str:
    """x, y, picks, blocks."""

    def body(w: Writer, x: Pointer, y: Pointer, picks: Pointer, blocks: Whole) -> None:
        image, result = Value(x, sizes.x, blocks), Value(y, sizes.y, blocks)

        def row(n: Whole, c: Whole, h: Whole) -> None:
            down, out = _span(sizes, 0, h), result.row(n, c, h)
            chosen = picks + _pick(sizes, n, c, h)

            def one(q: Whole) -> None:
                across = _span(sizes, 1, q)
                if sizes.is_max:
                    out[q], chosen[q] = _largest(w, sizes, image, (n, c), across, down)
                else:
                    total = _total(w, sizes, image, (n, c), across, down)
                    out[q] = total / (down.counted * across.counted).as_float()

            w.loop(sizes.y.dims[2], one)

        each_row(w, blocks, sizes.y, row)

    return code.function(("pooling", sizes), (code.floats, code.floats, code.bytes, None), body, internal=False)


def _pick(sizes: Sizes, n: Whole, c: Whole, h: Whole) -> Whole:
    channels, lines, columns = sizes.y.dims
    return ((n * channels + c) * lines + h) * columns


def _largest(
    w: Writer, sizes: Sizes, image: Value, at: tuple[Whole, Whole], across: _Span, down: _Span
) -> tuple[Vector, Bytes]:
    """The first of the largest, or the last NaN."""

    def body(line: Whole, column: Whole, number: Whole, best: Vector, pick: Bytes) -> list[Any]:
        x = image.row(*at, line)[column]
        is_larger = x.compare(">", best) | x.is_nan()
        return [is_larger.select(x, best), is_larger.pick(number.as_bytes(), pick)]

    first = (down.first * sizes.geometry.kernel[1] + across.first).as_bytes()
    best, pick = _each_in_window(w, sizes, across, down, body, [w.vector(_LEAST), first])
    return best, pick


def _total(w: Writer, sizes: Sizes, image: Value, at: tuple[Whole, Whole], across: _Span, down: _Span) -> Vector:
    def body(line: Whole, column: Whole, _: Whole, total: Vector) -> list[Vector]:
        return [total + image.row(*at, line)[column]]

    (total,) = _each_in_window(w, sizes, across, down, body, [w.vector(0.0)])
    found: Vector = total
    return found


def backward(code: Code, sizes: Sizes) -> str:
    """Gradient of y, picks, gradient of x (added to), blocks."""

    def body(w: Writer, given: Pointer, picks: Pointer, result: Pointer, blocks: Whole) -> None:
        gradient, into = Value(given, sizes.y, blocks), Value(result, sizes.x, blocks)

        def row(n: Whole, c: Whole, h: Whole) -> None:
            down, slopes = _span(sizes, 0, h), gradient.row(n, c, h)
            chosen = picks + _pick(sizes, n, c, h)

            def one(q: Whole) -> None:
                across = _span(sizes, 1, q)
                slope = slopes[q]
                if not sizes.is_max:
                    slope = slope / (down.counted * across.counted).as_float()

                def each(line: Whole, column: Whole, number: Whole) -> list[Any]:
                    part = chosen[q].equals(number.as_bytes()).select(slope, 0.0) if sizes.is_max else slope
                    into.row(n, c, line).write(column, part, adds=True)
                    return []

                _each_in_window(w, sizes, across, down, each, [])

            w.loop(sizes.y.dims[2], one)

        each_row(w, blocks, sizes.y, row)

    return code.function(("pooling back", sizes), (code.floats, code.bytes, code.floats, None), body, internal=False)
