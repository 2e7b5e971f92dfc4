"""Rules for shapes and for values in another shape."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from harness.artifact.reading import other_arguments
from harness.artifact.tensorflow.making import Apart, Item, Making, axis_of
from harness.artifact.tensorflow.raw import MAX_INLINE
from harness.artifact.tensorflow.rules import DTYPE, NO, Attribute, rule
from harness.artifact.tensorflow.static import Static, indexed, objects, whole
from harness.language.attributes import Whole, Wholes
from harness.language.graph import Kind, Value
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimension, Dimensions, Size, product

_OUT_TYPE = Attribute(DTYPE, None, unread=True)
AXIS = Whole(-8, 7)
"""An axis, counted from the front or from the end."""


def shape_of(making: Making, item: Item) -> Dimensions:
    """The shape of a value or of known numbers."""
    return item.array.shape if isinstance(item, Static) else making.value(item).shape


@rule("Shape", "1", out_type=_OUT_TYPE)
def shape(making: Making, x: Item) -> Item:
    """The sizes of the axes."""
    return whole(shape_of(making, x))


@rule("Size", "1", out_type=_OUT_TYPE)
def size(making: Making, x: Item) -> Item:
    """How many numbers there are."""
    return Static(objects([product(shape_of(making, x))], ()), Kind.INT)


@rule("Rank", "1")
def rank(making: Making, x: Item) -> Item:
    """How many axes there are."""
    return Static(objects([len(shape_of(making, x))], ()), Kind.INT)


@rule("Prod", "11", keep_dims=NO)
def prod(making: Making, x: Item, axes: Item, keep_dims: bool) -> Item:
    """The product of all sizes along one axis."""
    del keep_dims
    sizes = making.sizes(x)
    if making.static(x).array.ndim != 1 or making.wholes(axes) not in ((0,), (-1,)):
        raise not_supported("Prod of anything but sizes")
    return Static(objects([product(sizes)], ()), Kind.INT)


@rule("Range", "111")
def range_(making: Making, start: Item, limit: Item, delta: Item) -> Item:
    """Whole numbers in equal steps."""
    first, end, step = making.whole(start), making.whole(limit), making.whole(delta)
    if (end - first) * step < 0:
        raise other_arguments("Range")
    numbers = range(first, end, step)
    if len(numbers) > MAX_INLINE:
        raise invalid(f"a range of at most {MAX_INLINE:,} numbers", "more")
    return whole(numbers)


@rule("Fill", "11")
def fill(making: Making, dims: Item, x: Item) -> Item:
    """One number everywhere."""
    sizes = making.sizes(dims)
    if not isinstance(x, Static) or x.kind is Kind.FLOAT or making.static(dims).depends_on_n:
        return making.emit("Expand", x, shape=sizes)
    (number,), shape = x.items, making.wholes(dims)
    if min(shape, default=0) < 0 or math.prod(shape) > MAX_INLINE:
        raise other_arguments("Fill")
    return Static(objects([number] * math.prod(shape), shape), x.kind)


@rule("ZerosLike", "1")
def zeros_like(making: Making, x: Item) -> Item:
    """0 everywhere."""
    return _alike(making, x, 0)


@rule("OnesLike", "1")
def ones_like(making: Making, x: Item) -> Item:
    """1 everywhere."""
    return _alike(making, x, 1)


def _alike(making: Making, item: Item, number: int) -> Item:
    value = making.value(item)
    if value.kind is not Kind.FLOAT:
        raise not_supported(f"{making.node.operator} of {value.kind} numbers")
    return making.filled(value.shape, number)


@rule("Reshape", "11")
def reshape(making: Making, x: Item, sizes: Item) -> Item:
    """Another shape; -1 is what remains."""
    wanted = list(making.sizes(sizes))
    if isinstance(x, Static):
        return Static(x.array.reshape(making.wholes(sizes)), x.kind)
    value = making.value(x)
    if -1 in wanted:
        place = wanted.index(-1)
        rest = product(wanted[:place] + wanted[place + 1 :])
        wanted[place] = _divided(product(value.shape), rest)
    return making.reshape(value, wanted)


def _divided(total: Dimension, rest: Dimension) -> Dimension:
    if isinstance(total, Size):
        return total // rest
    if isinstance(rest, Size):
        raise not_supported(f"{total} divided by {rest}")
    if total % rest:
        raise invalid("a shape of as many numbers", f"{total} in rows of {rest}")
    return total // rest


@rule("Squeeze", "1", axis=Attribute(Wholes(-8, 7), ()))
def squeeze(making: Making, x: Item, axis: tuple[int, ...]) -> Item:
    """Without axes of size 1: these, or all."""
    if isinstance(x, Apart):
        return _height(making, x, axis, x.is_tall)
    sizes = shape_of(making, x)
    axes = {axis_of(k, len(sizes)) for k in axis} or {k for k, size in enumerate(sizes) if size == 1}
    if any(sizes[k] != 1 for k in axes):
        raise invalid("axes of size 1", str(sizes))
    if isinstance(x, Static):
        return Static(np.squeeze(x.array, tuple(axes)), x.kind)
    return squeezed(making, making.value(x), axes)


def squeezed(making: Making, value: Value, axes: Collection[int]) -> Value:
    """A value without some axes of size 1. Where axes were transposed, they are afterwards."""
    node = making.build.made_by(value, "Transpose")
    if node is None:
        return making.reshape(value, [size for k, size in enumerate(value.shape) if k not in axes])
    source, perm = making.build.input(node), node.attributes["perm"]
    rest = [k for k in range(source.rank) if k not in {perm[axis] for axis in axes}]
    flat = making.reshape(source, [source.shape[k] for k in rest])
    return making.transpose(flat, [rest.index(perm[k]) for k in range(value.rank) if k not in axes])


@rule("ExpandDims", "11")
def expand_dims(making: Making, x: Item, axis: Item) -> Item:
    """One more axis of size 1."""
    if isinstance(x, Apart):
        return _height(making, x, making.wholes(axis), not x.is_tall)
    sizes = shape_of(making, x)
    at = axis_of(making.whole(axis), len(sizes) + 1)
    if isinstance(x, Static):
        return Static(np.expand_dims(x.array, at), x.kind)
    return making.reshape(x, (*sizes[:at], 1, *sizes[at:]))


def _height(making: Making, x: Apart, axes: tuple[int, ...], is_one_axis: bool) -> Item:
    """Rows of pixels that become images of height 1 for a convolution, and rows again after it."""
    if x.images.rank != 3 or axes not in ((1,), (-3,)) or not is_one_axis or x.is_tall == (x.filters is None):
        return making.value(x)
    return replace(x, is_tall=not x.is_tall)


@rule("BroadcastTo", "11")
def broadcast_to(making: Making, x: Item, sizes: Item) -> Item:
    """Stretched to a shape."""
    return making.emit("Expand", x, shape=making.sizes(sizes))


@rule("Tile", "11")
def tile(making: Making, x: Item, repeats: Item) -> Item:
    """Each axis several times. An axis of size 1 may be repeated N times."""
    value, times = making.value(x), making.sizes(repeats)
    pairs = list(zip(value.shape, times, strict=True))
    if all(1 in pair for pair in pairs):
        return making.emit("Expand", value, shape=[a if b == 1 else b for a, b in pairs])
    return making.emit("Tile", value, repeats=making.wholes(repeats))


@rule("Pack", "N", axis=Attribute(AXIS, 0))
def pack(making: Making, xs: tuple[Item, ...], axis: int) -> Item:
    """Several values along a new axis."""
    statics = [x for x in xs if isinstance(x, Static)]
    if len(statics) == len(xs):
        return Static(np.stack([s.array for s in statics], axis), statics[0].kind)
    values = [making.value(x) for x in xs]
    at = axis_of(axis, values[0].rank + 1)
    rows = [making.reshape(value, (*value.shape[:at], 1, *value.shape[at:])) for value in values]
    return making.emit("Concat", *rows, axis=at)


@rule("Unpack", "1", num=Attribute(Whole(1, 256)), axis=Attribute(AXIS, 0))
def unpack(making: Making, x: Item, num: int, axis: int) -> tuple[Item, ...]:
    """What lies along an axis, one by one."""
    sizes = shape_of(making, x)
    at = axis_of(axis, len(sizes))
    if sizes[at] != num:
        raise other_arguments("Unpack")
    if isinstance(x, Static):
        index = (slice(None),) * at
        return tuple(indexed(x, (*index, k)) for k in range(num))
    value = making.value(x)
    return tuple(
        squeezed(making, making.emit("Slice", value, axis=at, start=k, end=k + 1, step=1), {at}) for k in range(num)
    )
