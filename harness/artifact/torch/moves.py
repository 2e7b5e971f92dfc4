"""Rules for PyTorch's operators that move numbers: views, joins, indices and pads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from harness.artifact.torch.rules import OPTIONS, Function, Parts, Takes, rules
from harness.artifact.torch.views import Detached, Part, Permuted, Reference, Reshaped, Step, Stretched, View, derived
from harness.artifact.torch.writer import Number, Writer, axis_of, whole, with_axis
from harness.language.graph import Kind, Value
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimension, Dimensions, Size

_BEYOND = 1 << 31
"""A position that stands for the end of any axis."""


def _shape(x: Reference) -> Dimensions:
    return x.view.value.shape


def _view(w: Writer, x: Reference, shape: Sequence[Dimension]) -> View:
    return w.view(x, Reshaped(tuple(shape)))


def _t(w: Writer, x: Reference) -> View:
    rank = len(_shape(x))
    if rank > 2:
        raise invalid("a matrix to transpose", f"{rank} axes")
    return w.view(x, Permuted((1, 0))) if rank == 2 else x.view


def _transpose(w: Writer, x: Reference, first: int, second: int) -> View:
    perm = list(range(len(_shape(x))))
    a, b = axis_of(first, len(perm)), axis_of(second, len(perm))
    perm[a], perm[b] = b, a
    return w.view(x, Permuted(tuple(perm)))


def _permute(w: Writer, x: Reference, axes: Sequence[int]) -> View:
    return w.view(x, Permuted(tuple(axis_of(axis, len(_shape(x))) for axis in axes)))


def _squeeze(w: Writer, x: Reference, axes: int | Sequence[int] | None = None) -> View:
    shape = _shape(x)
    chosen = range(len(shape)) if axes is None else [axes] if isinstance(axes, int) else axes
    dropped = {axis_of(axis, len(shape)) for axis in chosen} if shape else set()
    return _view(w, x, [size for k, size in enumerate(shape) if size != 1 or k not in dropped])


def _unsqueeze(w: Writer, x: Reference, axis: int) -> View:
    return _view(w, x, with_axis(_shape(x), axis_of(axis, len(_shape(x)) + 1)))


def _expand(w: Writer, x: Reference, sizes: Sequence[Dimension]) -> View:
    shape, more = _shape(x), len(sizes) - len(_shape(x))
    found = tuple(shape[k - more] if size == -1 and k >= more else size for k, size in enumerate(sizes))
    return w.view(x, Stretched(found))


def _select(w: Writer, x: Reference, axis: int, index: Dimension) -> View:
    shape = _shape(x)
    k = axis_of(axis, len(shape))
    start = _position(index, shape[k])
    return w.view(x, Part(k, start, start + 1), Reshaped((*shape[:k], *shape[k + 1 :])))


def _slice(w: Writer, x: Reference, axis: int, start: Dimension | None, end: Dimension | None, step: Dimension) -> View:
    shape = _shape(x)
    k = axis_of(axis, len(shape))
    first = 0 if start is None else _bound(start, shape[k])
    last = shape[k] if end is None else _bound(end, shape[k])
    if isinstance(first, int) and isinstance(last, int):
        last = max(first, last)
    return w.view(x, Part(k, first, last, whole(step, "a step")))


def _position(index: Dimension, length: Dimension) -> Dimension:
    """A position, counted from the front."""
    is_negative = index < 0 if isinstance(index, int) else index.images < 0
    return length + index if is_negative else index


def _bound(bound: Dimension, length: Dimension) -> Dimension:
    """The end of a slice, counted from the front and cut to the axis; on an axis that grows with the batch, one that is
    cut for no number of images."""
    if isinstance(bound, int) and bound >= _BEYOND:
        return length
    if isinstance(length, int):
        position = whole(_position(bound, length), "a slice of an axis that does not")
        return min(max(position, 0), length)
    if isinstance(bound, int) and abs(bound) > length.at(1):
        raise not_supported("a slice of the batch")
    return _position(bound, length)


def _split(name: str, w: Writer, x: Reference, size: Dimension, axis: int) -> Parts:
    """Equal parts, of which the last may be smaller."""
    k, width = axis_of(axis, len(_shape(x))), whole(size, "a split")
    length = whole(_shape(x)[k], "a split of an axis")
    if width < 1:
        raise invalid("parts of at least 1", str(width))
    count = max(1, -(-length // width))
    return _parts(name, w, x, count, lambda i: [Part(k, i * width, min(length, (i + 1) * width))])


def _split_with_sizes(name: str, w: Writer, x: Reference, sizes: Sequence[Dimension], axis: int) -> Parts:
    k = axis_of(axis, len(_shape(x)))
    ends: list[Dimension] = [0]
    for size in sizes:
        ends.append(ends[-1] + size)
    if ends[-1] != _shape(x)[k]:
        raise invalid("parts that make the whole axis", str(ends[-1]))
    return _parts(name, w, x, len(sizes), lambda i: [Part(k, ends[i], ends[i + 1])])


def _unbind(w: Writer, x: Reference, axis: int) -> Parts:
    shape = _shape(x)
    k = axis_of(axis, len(shape))
    rest = Reshaped((*shape[:k], *shape[k + 1 :]))
    count = whole(shape[k], "one tensor for each position of an axis")
    return _parts("aten.unbind.int", w, x, count, lambda i: [Part(k, i, i + 1), rest])


def _parts(name: str, w: Writer, x: Reference, count: int, steps: Callable[[int], Sequence[Step]]) -> Parts:
    view = x.view

    def part(position: int) -> View:
        found = view
        for step in steps(position):
            found = derived(w, found, step)
        return found

    return Parts(name, count, part)


def _alias(_: Writer, x: Reference) -> View:
    return x.view


def _detach(w: Writer, x: Reference) -> View:
    return w.view(x, Detached())


def _copy(w: Writer, x: Value, kind: Kind | None = None) -> Value:
    return x if kind is None else w.cast(x, kind)


def _cat(w: Writer, tensors: Sequence[Value], axis: int) -> Value:
    if not tensors:
        raise invalid("tensors to join", "none")
    return w.emit("Concat", *w.alike(*tensors), axis=axis_of(axis, tensors[0].rank))


def _stack(w: Writer, tensors: Sequence[Value], axis: int) -> Value:
    if not tensors:
        raise invalid("tensors to join", "none")
    k = axis_of(axis, tensors[0].rank + 1)
    rows = [w.emit("Reshape", x, shape=with_axis(x.shape, k)) for x in tensors if x.rank == tensors[0].rank]
    if len(rows) != len(tensors):
        raise invalid("tensors of one shape", "others")
    return w.emit("Concat", *w.alike(*rows), axis=k)


def _gather(w: Writer, x: Value, indices: Value, axis: int) -> Value:
    if w.is_narrow(indices):
        raise not_supported("indices of 8 bits")
    return w.emit("Gather", x, indices, axis=axis)


def _index(w: Writer, x: Value, indices: Sequence[Value | None]) -> Value:
    chosen = [(axis, found) for axis, found in enumerate(indices) if found is not None]
    if len(chosen) != 1:
        raise not_supported("an index of several tensors")
    return _gather(w, x, chosen[0][1], axis_of(chosen[0][0], x.rank))


def _index_select(w: Writer, x: Value, axis: int, index: Value) -> Value:
    rows = w.emit("Reshape", index, shape=(1,)) if index.rank == 0 else index
    return _gather(w, x, rows, axis_of(axis, x.rank))


def _embedding(w: Writer, table: Value, indices: Value, padding: Dimension, is_scaled: bool, is_sparse: bool) -> Value:
    if padding != -1 or is_scaled or is_sparse:
        raise not_supported("an embedding with a padding index or other gradients")
    return _gather(w, table, indices, 0)


def _reversed(w: Writer, x: Value, axis: int) -> Value:
    return w.emit("Slice", x, axis=axis, start=0, end=x.shape[axis], step=-1)


def _flip(w: Writer, x: Value, axes: Sequence[int]) -> Value:
    for axis in axes:
        x = _reversed(w, x, axis_of(axis, x.rank))
    return x


def _roll(w: Writer, x: Value, shifts: Sequence[Dimension], axes: Sequence[int]) -> Value:
    if len(axes) != len(shifts):
        raise not_supported("a roll of all axes as one")
    for shift, axis in zip(shifts, axes, strict=True):
        k = axis_of(axis, x.rank)
        length = whole(x.shape[k], "a roll of an axis")
        cut = -whole(shift, "a roll") % length if length else 0
        halves = (w.emit("Slice", x, axis=k, start=a, end=b) for a, b in ((cut, length), (0, cut)))
        x = w.emit("Concat", *halves, axis=k) if cut else x
    return x


def _rot90(w: Writer, x: Value, times: int, axes: Sequence[int]) -> Value:
    if len(axes) != 2:
        raise invalid("two axes to turn in", str(len(axes)))
    a, b = (axis_of(axis, x.rank) for axis in axes)
    perm = list(range(x.rank))
    perm[a], perm[b] = b, a
    for _ in range(times % 4):
        x = w.emit("Transpose", _reversed(w, x, b), perm=perm)
    return x


def _repeat(w: Writer, x: Value, repeats: Sequence[Dimension]) -> Value:
    """Each axis as often as it says; the first as often as there are images, too."""
    if len(repeats) < x.rank:
        raise invalid("a number for each axis", str(len(repeats)))
    x = w.emit("Reshape", x, shape=(*[1] * (len(repeats) - x.rank), *x.shape))
    times = [1 if k == 0 and isinstance(n, Size) else whole(n, "a repetition") for k, n in enumerate(repeats)]
    x = w.emit("Tile", x, repeats=times) if any(n != 1 for n in times) else x
    if not repeats or not isinstance(repeats[0], Size):
        return x
    rows = w.emit("Expand", w.emit("Reshape", x, shape=(1, *x.shape)), shape=(repeats[0], *x.shape))
    return w.emit("Reshape", rows, shape=(x.shape[0] * repeats[0], *x.shape[1:]))


def _pad(w: Writer, x: Value, sides: Sequence[Dimension], number: Number = 0, mode: str = "constant") -> Value:
    """Sides are from the last axis backwards, before and after; a negative one cuts."""
    if len(sides) % 2 or len(sides) > 2 * x.rank:
        raise invalid("two sides for each axis", str(len(sides)))
    pads = [(0, 0)] * x.rank
    for k in range(len(sides) // 2):
        before, after = (whole(side, "a pad") for side in sides[2 * k : 2 * k + 2])
        axis = x.rank - 1 - k
        pads[axis] = (max(before, 0), max(after, 0))
        end = x.shape[axis] + min(after, 0)
        x = w.emit("Slice", x, axis=axis, start=-min(before, 0), end=end)
    return w.emit("Pad", x, pads=pads, mode=mode, value=float(number))


def _pixels_to_channels(w: Writer, x: Value, factor: int) -> Value:
    shape = [whole(size, "an image") for size in x.shape[-3:]]
    if x.rank != 4 or factor < 1 or shape[1] % factor or shape[2] % factor:
        raise invalid("images that blocks of pixels divide", f"{x.rank} axes")
    channels, rows, columns = shape[0], shape[1] // factor, shape[2] // factor
    blocks = w.emit("Reshape", x, shape=(x.shape[0], channels, rows, factor, columns, factor))
    blocks = w.emit("Transpose", blocks, perm=(0, 1, 3, 5, 2, 4))
    return w.emit("Reshape", blocks, shape=(x.shape[0], channels * factor**2, rows, columns))


def _channels_to_pixels(w: Writer, x: Value, factor: int) -> Value:
    shape = [whole(size, "an image") for size in x.shape[-3:]]
    if x.rank != 4 or factor < 1 or shape[0] % factor**2:
        raise invalid("images whose channels are blocks of pixels", f"{x.rank} axes")
    channels, rows, columns = shape[0] // factor**2, *shape[1:]
    blocks = w.emit("Reshape", x, shape=(x.shape[0], channels, factor, factor, rows, columns))
    blocks = w.emit("Transpose", blocks, perm=(0, 1, 4, 2, 5, 3))
    return w.emit("Reshape", blocks, shape=(x.shape[0], channels, rows * factor, columns * factor))


def _pad_of(axes: int, mode: str) -> Function:
    def rule(w: Writer, x: Value, sides: Sequence[Dimension]) -> Value:
        if len(sides) != 2 * axes or min(whole(side, "a pad") for side in sides) < 0:
            raise not_supported("a reflection that cuts")
        return _pad(w, x, sides, 0, mode)

    return rule


_VIEWS: dict[str, Function] = {
    **{f"{name}(Tensor self, SymInt[] size)": _view for name in ("view", "_unsafe_view")},
    **{f"{name}(Tensor self)": _t for name in ("t", "t_")},
    **{f"{name}(Tensor self, int dim0, int dim1)": _transpose for name in ("transpose.int", "transpose_")},
    "permute(Tensor self, int[] dims)": _permute,
    "expand(Tensor self, SymInt[] size, *, bool implicit=False)": _expand,
    **{f"{name}(Tensor self)": _squeeze for name in ("squeeze", "squeeze_")},
    **{f"{name}(Tensor self, int dim)": _squeeze for name in ("squeeze.dim", "squeeze_.dim")},
    **{f"{name}(Tensor self, int[] dim)": _squeeze for name in ("squeeze.dims", "squeeze_.dims")},
    **{f"{name}(Tensor self, int dim)": _unsqueeze for name in ("unsqueeze", "unsqueeze_")},
    "select.int(Tensor self, int dim, SymInt index)": _select,
    "slice.Tensor(Tensor self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1)": _slice,
    "unbind.int(Tensor self, int dim=0)": _unbind,
    **{
        f"{name}.Tensor(Tensor self, SymInt split_size, int dim=0)": partial(_split, f"aten.{name}.Tensor")
        for name in ("split", "unsafe_split")
    },
    **{
        f"{name}(Tensor self, SymInt[] split_sizes, int dim=0)": partial(_split_with_sizes, f"aten.{name}.default")
        for name in ("split_with_sizes", "unsafe_split_with_sizes")
    },
    **{f"{name}(Tensor self)": _alias for name in ("alias", "lift_fresh")},
    **{f"{name}(Tensor self)": _detach for name in ("detach", "detach_")},
}
"""Parts that are unsafe to write to share memory as others do."""

_VALUES: dict[str, Function] = {
    "clone(Tensor self, *, MemoryFormat? memory_format=None)": _copy,
    "lift_fresh_copy(Tensor self)": _copy,
    f"_to_copy(Tensor self, *, {OPTIONS}, bool non_blocking=False, MemoryFormat? memory_format=None)": _copy,
    "cat(Tensor[] tensors, int dim=0)": _cat,
    "stack(Tensor[] tensors, int dim=0)": _stack,
    "index.Tensor(Tensor self, Tensor?[] indices)": _index,
    "index_select(Tensor self, int dim, Tensor index)": _index_select,
    "embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, "
    "bool sparse=False)": _embedding,
    "flip(Tensor self, int[] dims)": _flip,
    "roll(Tensor self, SymInt[1] shifts, int[1] dims=[])": _roll,
    "rot90(Tensor self, int k=1, int[] dims=[0, 1])": _rot90,
    "repeat(Tensor self, SymInt[] repeats)": _repeat,
    "pixel_unshuffle(Tensor self, int downscale_factor)": _pixels_to_channels,
    "pixel_shuffle(Tensor self, int upscale_factor)": _channels_to_pixels,
    "constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0)": _pad,
    "reflection_pad1d(Tensor self, SymInt[2] padding)": _pad_of(1, "reflect"),
    "reflection_pad2d(Tensor self, SymInt[4] padding)": _pad_of(2, "reflect"),
    "replication_pad1d(Tensor self, SymInt[2] padding)": _pad_of(1, "edge"),
    "replication_pad2d(Tensor self, SymInt[4] padding)": _pad_of(2, "edge"),
}

RULES = (*rules(_VIEWS, Takes.VIEWS), *rules(_VALUES))
