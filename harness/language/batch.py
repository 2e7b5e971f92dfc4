"""The proof that a graph computes each image alone, whatever else is in the batch and wherever the image is in it.

Each value either does not depend on the batch, or has N as a factor of exactly one axis, with a known number of
elements of that axis outside of it: then each of its numbers belongs to one image. The proof goes node by node: the
numbers of one image in a result follow from those of the same image in the inputs. It ends at the first node where that
is not so, or not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.language.graph import IMAGES, Graph, Node, Value
from harness.language.operators import OPERATORS, Batch
from harness.language.sizes import Dimension, Dimensions, Size


@dataclass(frozen=True)
class Place:
    """Where a value has its images. The size of `axis` is outside * N * inside: along it, all the images come `outside`
    times, one after the other, each with `inside` numbers."""

    axis: int
    outside: int = 1


@dataclass(frozen=True)
class Mixing:
    """Where a proof ends. With `is_certain`, the operator mixes the images; otherwise nothing is known."""

    node: Node
    is_certain: bool


class _Ends(Exception):
    """The proof ends at the node at hand."""

    def __init__(self, *, is_certain: bool) -> None:
        super().__init__()
        self.is_certain = is_certain


Places = Mapping[str, Place]


def mixing(graph: Graph) -> Mixing | None:
    """The first node that makes an answer depend on other images of the batch, on their number or on its place among
    them; None where there is none, which is then proved."""
    places, end = placed(graph)
    if end is None and (places.get(graph.output) or Place(0)) != Place(0):
        return Mixing(graph.by_name[graph.output], is_certain=False)
    return end


def placed(graph: Graph) -> tuple[Places, Mixing | None]:
    """Where each value that depends on the batch has its images, up to the node where the proof ends, if it does."""
    places: dict[str, Place] = {IMAGES: Place(0)}
    for node in graph.nodes:
        try:
            place = _place(graph, node, places)
        except _Ends as end:
            return places, Mixing(node, end.is_certain)
        if place is not None:
            places[node.name] = place
    return places, None


def _place(graph: Graph, node: Node, places: Places) -> Place | None:
    """Where a node's result has its images. Raises _Ends."""
    inputs, result = graph.inputs_of(node), graph.values[node.name]
    placed = [places.get(value.name) for value in inputs]
    known = [_Known(k, inputs[k], place) for k, place in enumerate(placed) if place is not None]
    if not known:
        return _created(node, result)
    if len({one.place.outside for one in known}) > 1 and node.operator != "Concat":
        raise _Ends(is_certain=False)
    return _RULES[OPERATORS[node.operator].batch](_At(node, inputs, result, known))


def _created(node: Node, result: Value) -> Place | None:
    """What is stretched to N is the same for each image, and what is drawn equally random."""
    axes = [axis for axis, size in enumerate(result.shape) if isinstance(size, Size)]
    if not axes:
        return None
    is_alike = node.operator == "Expand" or OPERATORS[node.operator].is_random
    if not is_alike or len(axes) > 1 or _in_n(result.shape[axes[0]]).more:
        raise _Ends(is_certain=False)
    return Place(axes[0])


@dataclass(frozen=True)
class _Known:
    """An input that depends on the batch: which of the node's inputs it is, and where it has its images."""

    position: int
    value: Value
    place: Place

    @property
    def size(self) -> Dimension:
        """The size of the images' axis."""
        return self.value.shape[self.place.axis]

    @property
    def inside(self) -> int:
        """The numbers of one image that follow each other along the axis."""
        return _in_n(self.size).images // self.place.outside

    @property
    def from_end(self) -> int:
        """Which axis it is, counted from the last, which is 1."""
        return self.value.rank - self.place.axis


@dataclass(frozen=True)
class _At:
    """A node whose result is to be placed, and its inputs that depend on the batch."""

    node: Node
    inputs: tuple[Value, ...]
    result: Value
    known: list[_Known]

    def on(self, axis: int) -> Place:
        """The place of a result that has the images' axis, with its size, at `axis`. Raises _Ends."""
        if self.result.shape[axis] != self.known[0].size:
            raise _Ends(is_certain=False)
        return Place(axis, self.known[0].place.outside)


def _kept(at: _At) -> Place:
    """The axis stays where it is in the first input, unless the operator mixes it; a layer's weights have no images."""
    first, *others = at.known
    axis = first.place.axis
    if at.node.operator == "Concat":
        return _joined(at)
    mixed = OPERATORS[at.node.operator].mixed([value.shape for value in at.inputs], at.node.attributes)
    if axis in mixed and not first.position:
        return _ALONG_IMAGES.get(at.node.operator, _mixed)(at)
    if first.position or not all(_is_of_channels(at, axis, one) for one in others):
        raise _Ends(is_certain=False)
    return at.on(axis)


def _is_of_channels(at: _At, axis: int, one: _Known) -> bool:
    """Whether a layer's weights belong to images that are among the channels, one for one."""
    return at.node.operator == "BatchNormalization" and axis == 1 and one.size == at.known[0].size


def _mixed(_: _At) -> Place:
    raise _Ends(is_certain=True)


def _joined(at: _At) -> Place:
    """Beside each other; or all the images once more after each other."""
    axis = at.node.attributes["axis"]
    if len(at.known) < len(at.inputs) or len({one.place.axis for one in at.known}) > 1:
        raise _Ends(is_certain=False)
    if at.known[0].place.axis != axis:
        if len({one.place.outside for one in at.known}) > 1:
            raise _Ends(is_certain=False)
        return at.on(at.known[0].place.axis)
    if len({one.inside for one in at.known}) > 1:
        raise _Ends(is_certain=False)
    return Place(axis, sum(one.place.outside for one in at.known))


def _cut(at: _At) -> Place:
    """Of several times all the images, some."""
    (one,), settings = at.known, at.node.attributes
    bounds = [_times(settings[name], one.inside) for name in ("start", "end")]
    if settings["step"] != 1 or bounds[0] >= bounds[1]:
        raise _Ends(is_certain=True)
    return Place(one.place.axis, bounds[1] - bounds[0])


def _times(bound: Dimension, inside: int) -> int:
    """How many times all the images come before a position. Raises _Ends if it is between two images."""
    images, more = (bound.images, bound.more) if isinstance(bound, Size) else (0, bound)
    if more or images % inside:
        raise _Ends(is_certain=True)
    return images // inside


def _repeated(at: _At) -> Place:
    (one,) = at.known
    return Place(one.place.axis, one.place.outside * int(at.node.attributes["repeats"][one.place.axis]))


_ALONG_IMAGES: Mapping[str, Callable[[_At], Place]] = {"Slice": _cut, "Tile": _repeated}
"""Operators that may work along the images themselves."""


def _broadcast(at: _At) -> Place:
    """Aligned from the right, the axis is the same in every input."""
    if len({one.from_end for one in at.known}) > 1:
        raise _Ends(is_certain=False)
    return at.on(at.result.rank - at.known[0].from_end)


def _reduced(at: _At) -> Place:
    """Axes before it that are reduced move it to the front."""
    place, axes = at.known[0].place, at.node.attributes["axes"]
    if place.axis in axes:
        raise _Ends(is_certain=True)
    before = 0 if at.node.attributes["keepdims"] else sum(axis < place.axis for axis in axes)
    return at.on(place.axis - before)


def _reshaped(at: _At) -> Place:
    """In the order of all numbers, the images stay where they are; N must become a factor of one axis again."""
    (one,) = at.known
    axis = one.place.axis
    outside = math.prod(_numbers(one.value.shape[:axis])) * one.place.outside
    inside = math.prod(_numbers(one.value.shape[axis + 1 :])) * one.inside
    axes = [axis for axis, size in enumerate(at.result.shape) if isinstance(size, Size)]
    if len(axes) != 1:
        raise _Ends(is_certain=False)
    before = math.prod(_numbers(at.result.shape[: axes[0]]))
    after = math.prod(_numbers(at.result.shape[axes[0] + 1 :]))
    is_split = 0 not in (outside, inside, before, after) and not outside % before and not inside % after
    if not is_split or _in_n(at.result.shape[axes[0]]).more:
        raise _Ends(is_certain=False)
    return Place(axes[0], outside // before)


def _moved(at: _At) -> Place:
    place = at.known[0].place
    return Place(at.node.attributes["perm"].index(place.axis), place.outside)


def _rows(at: _At) -> Place:
    """A product of matrices: the images may be rows of A, columns of B or leading axes, but not what is summed."""
    from_end = {_in_product(at, one) for one in at.known}
    if len(from_end) > 1:
        raise _Ends(is_certain=False)
    return at.on(at.result.rank - from_end.pop())


def _in_product(at: _At, one: _Known) -> int:
    """Which axis of the product, from the last, an input's axis becomes. Raises _Ends for one that is summed."""
    is_flipped = one.position == 1 and at.node.attributes.get("transB", False)
    from_end = 3 - one.from_end if is_flipped else one.from_end
    if from_end == {0: 1, 1: 2}.get(one.position):
        raise _Ends(is_certain=True)
    return from_end


def _gathered(at: _At) -> Place:
    """Images in the input or in the indices, not in both: then one image's index may choose another image."""
    if len(at.known) > 1:
        raise _Ends(is_certain=True)
    (one,), axis = at.known, at.node.attributes["axis"]
    if one.position == 1:
        return at.on(axis + one.place.axis)
    if one.place.axis == axis:
        raise _Ends(is_certain=True)
    return at.on(one.place.axis if one.place.axis < axis else one.place.axis + at.inputs[1].rank - 1)


def _grid(at: _At) -> Place:
    if any(one.place.axis for one in at.known):
        raise _Ends(is_certain=False)
    return at.on(0)


_RULES: Mapping[Batch, Callable[[_At], Place]] = {
    Batch.KEPT: _kept,
    Batch.BROADCAST: _broadcast,
    Batch.REDUCED: _reduced,
    Batch.RESHAPED: _reshaped,
    Batch.MOVED: _moved,
    Batch.ROWS: _rows,
    Batch.GATHERED: _gathered,
    Batch.GRID: _grid,
}


def _in_n(size: Dimension) -> Size:
    """A size that depends on N. Raises _Ends for one that does not."""
    if not isinstance(size, Size):
        raise _Ends(is_certain=False)
    return size


def _numbers(shape: Dimensions) -> list[int]:
    """Sizes of axes beside the images'. Raises _Ends where one depends on N, too."""
    if any(isinstance(size, Size) for size in shape):
        raise _Ends(is_certain=False)
    return [size for size in shape if isinstance(size, int)]
