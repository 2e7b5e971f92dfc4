"""Rules that move numbers and take some of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.artifact.reading import other_arguments
from harness.artifact.tensorflow.making import Item, Making, axis_of, shortest
from harness.artifact.tensorflow.rules import Attribute, Only, rule
from harness.artifact.tensorflow.shapes import squeezed
from harness.artifact.tensorflow.static import Static, indexed
from harness.language.attributes import Choice, Whole
from harness.language.graph import Kind, Value
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimension, Size

_MASK = Attribute(Whole(0, 255), 0)


@rule("Transpose", "11")
def transpose(making: Making, x: Item, order: Item) -> Item:
    """The axes in another order."""
    perm = making.wholes(order)
    if isinstance(x, Static):
        return Static(x.array.transpose(perm), x.kind)
    value = making.value(x)
    return making.transpose(value, [axis_of(axis, value.rank) for axis in perm])


@rule("ConcatV2", "N1")
def concat(making: Making, xs: tuple[Item, ...], axis: Item) -> Item:
    """Several values after each other."""
    at = making.whole(axis)
    statics = [x for x in xs if isinstance(x, Static)]
    if len(statics) == len(xs):
        return Static(np.concatenate([s.array for s in statics], at), statics[0].kind)
    values = [making.value(x) for x in xs]
    return making.emit("Concat", *values, axis=axis_of(at, values[0].rank))


@rule("Pad", "11")
def pad(making: Making, x: Item, paddings: Item) -> Item:
    """Zeros around."""
    return making.emit("Pad", x, pads=_pairs(making, paddings))


@rule("PadV2", "111")
def pad_with(making: Making, x: Item, paddings: Item, value: Item) -> Item:
    """A number around."""
    (number,) = making.static(value).items
    return making.emit("Pad", x, pads=_pairs(making, paddings), value=shortest(number))


@rule("MirrorPad", "11", mode=Attribute(Choice(("REFLECT", "SYMMETRIC"))))
def mirror_pad(making: Making, x: Item, paddings: Item, mode: str) -> Item:
    """A reflection around."""
    if mode != "REFLECT":
        raise not_supported("a symmetric padding, which repeats the border")
    return making.emit("Pad", x, pads=_pairs(making, paddings), mode="reflect")


def _pairs(making: Making, paddings: Item) -> list[tuple[int, int]]:
    if making.static(paddings).array.shape[1:] != (2,):
        raise other_arguments(making.node.operator)
    flat = making.wholes(paddings)
    return list(zip(flat[::2], flat[1::2], strict=True))


@rule("GatherV2", "111", batch_dims=Attribute(Only(0), 0))
def gather(making: Making, x: Item, indices: Item, axis: Item, batch_dims: int) -> Item:
    """What indices choose along an axis."""
    del batch_dims
    at = making.whole(axis)
    if isinstance(x, Static):
        if making.static(indices).kind is not Kind.INT:
            raise other_arguments("GatherV2")
        chosen = np.array(making.wholes(indices), np.int64).reshape(making.static(indices).array.shape)
        return indexed(x, (*(slice(None),) * axis_of(at, x.array.ndim), chosen))
    return gathered(making, making.value(x), indices, at)


def gathered(making: Making, value: Value, indices: Item, axis: int) -> Value:
    """Known indices must lie on the axis; computed ones are checked when the graph runs."""
    at = axis_of(axis, value.rank)
    size = value.shape[at]
    known = making.wholes(indices) if isinstance(indices, Static) else ()
    if isinstance(size, int) and not all(0 <= index < size for index in known):
        raise invalid(f"indices below {size}", "others")
    return making.emit("Gather", value, indices, axis=at)


@rule("ReverseV2", "11")
def reverse(making: Making, x: Item, axes: Item) -> Item:
    """Axes from the end to the start."""
    value = making.value(x)
    for axis in making.wholes(axes):
        at = axis_of(axis, value.rank)
        value = making.emit("Slice", value, axis=at, start=0, end=value.shape[at], step=-1)
    return value


@rule("Slice", "111")
def slice_(making: Making, x: Item, begin: Item, size: Item) -> Item:
    """Along each axis as many as said, from somewhere on; -1 is all the rest."""
    value = making.value(x)
    bounds = zip(making.sizes(begin), making.sizes(size), strict=True)
    for axis, (start, count) in enumerate(bounds):
        end = value.shape[axis] if count == -1 else start + count
        value = _sliced(making, value, axis, (start, end, 1))
    return value


@rule("Split", "11", num_split=Attribute(Whole(1, 256)))
def split(making: Making, axis: Item, x: Item, num_split: int) -> tuple[Item, ...]:
    """Equal parts."""
    value = making.value(x)
    at = axis_of(making.whole(axis), value.rank)
    whole = value.shape[at]
    if isinstance(whole, int) and whole % num_split:
        raise other_arguments("Split")
    part = whole // num_split
    return tuple(_sliced(making, value, at, (k * part, k * part + part, 1)) for k in range(num_split))


@rule("SplitV", "111", num_split=Attribute(Whole(1, 256)))
def split_unequally(making: Making, x: Item, sizes: Item, axis: Item, num_split: int) -> tuple[Item, ...]:
    """Parts of these sizes; -1 is what remains."""
    value, counts = making.value(x), list(making.wholes(sizes))
    at = axis_of(making.whole(axis), value.rank)
    if len(counts) != num_split or not isinstance(whole := value.shape[at], int):
        raise other_arguments("SplitV")
    if -1 in counts:
        counts[counts.index(-1)] = whole - sum(counts) - 1
    ends = np.cumsum(counts).tolist()
    if ends[-1] != whole:
        raise other_arguments("SplitV")
    return tuple(_sliced(making, value, at, (e - n, e, 1)) for e, n in zip(ends, counts, strict=True))


@rule(
    "StridedSlice",
    "1111",
    begin_mask=_MASK,
    end_mask=_MASK,
    ellipsis_mask=_MASK,
    new_axis_mask=_MASK,
    shrink_axis_mask=_MASK,
)
def strided_slice(making: Making, x: Item, begin: Item, end: Item, strides: Item, **masks: int) -> Item:
    """NumPy's indices, each a slice, a place, a new axis or the ellipsis."""
    bounds = zip(making.sizes(begin), making.sizes(end), making.sizes(strides), strict=True)
    index = [_index(k, *bound, **masks) for k, bound in enumerate(bounds)]
    if index.count(Ellipsis) > 1 or len(index) > 8:
        raise other_arguments("StridedSlice")
    if isinstance(x, Static):
        return indexed(x, tuple(slice(*part) if isinstance(part, tuple) else part for part in index))
    return _indexed(making, making.value(x), index)


def _index(
    k: int,
    begin: Dimension,
    end: Dimension,
    step: Dimension,
    *,
    begin_mask: int,
    end_mask: int,
    ellipsis_mask: int,
    new_axis_mask: int,
    shrink_axis_mask: int,
) -> Any:
    """One index: the ellipsis, None for a new axis, a place, or (begin, end, step) with None for what is left out."""
    if ellipsis_mask >> k & 1:
        return Ellipsis
    if new_axis_mask >> k & 1:
        return None
    if not isinstance(step, int) or not step or (shrink_axis_mask >> k & 1 and step != 1):
        raise other_arguments("StridedSlice")
    if shrink_axis_mask >> k & 1:
        return begin
    return (None if begin_mask >> k & 1 else begin, None if end_mask >> k & 1 else end, step)


def _indexed(making: Making, value: Value, index: list[Any]) -> Value:
    """Slices axis by axis, then takes axes out and puts new ones in."""
    given = sum(part is not None and part is not Ellipsis for part in index)
    rest = [(None, None, 1)] * (value.rank - given)
    if given > value.rank:
        raise other_arguments("StridedSlice")
    at = index.index(Ellipsis) if Ellipsis in index else len(index)
    full = [*index[:at], *rest, *index[at + 1 :]]
    axis, gone, shape = 0, set[int](), list[Dimension]()
    for part in full:
        if part is None:
            shape.append(1)
            continue
        is_slice = isinstance(part, tuple)
        bounds = _bounds(value.shape[axis], *part) if is_slice else _place(value.shape[axis], part)
        value = _sliced(making, value, axis, bounds)
        if is_slice:
            shape.append(value.shape[axis])
        else:
            gone.add(axis)
        axis += 1
    return making.reshape(squeezed(making, value, gone) if gone else value, shape)


_Bounds = tuple[Dimension, Dimension, int]


def _bounds(size: Dimension, begin: Dimension | None, end: Dimension | None, step: int) -> _Bounds:
    """Start, end and step, within the axis and with the start below the end."""
    if isinstance(size, int) and not isinstance(begin, Size) and not isinstance(end, Size):
        places = range(size)[begin:end:step]
        if not places:
            return 0, 0, 1
        return min(places[0], places[-1]), max(places[0], places[-1]) + 1, step
    if (begin, end, step) == (None, None, -1):
        return 0, size, -1
    if step != 1:
        raise not_supported("a slice of the batch with a step")
    return _from_front(size, 0 if begin is None else begin), _from_front(size, size if end is None else end), 1


def _place(size: Dimension, place: Dimension) -> _Bounds:
    start = _from_front(size, place)
    return start, start + 1, 1


def _from_front(size: Dimension, place: Dimension) -> Dimension:
    return size + place if isinstance(place, int) and place < 0 else place


def _sliced(making: Making, value: Value, axis: int, bounds: _Bounds) -> Value:
    start, end, step = bounds
    if step < 0:
        value = making.emit("Slice", value, axis=axis, start=start, end=end, step=1)
        start, end = 0, value.shape[axis]
    return making.emit("Slice", value, axis=axis, start=start, end=end, step=step)
