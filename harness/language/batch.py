"""The proof that a graph computes each image alone, whatever else is in the batch.

Each value either does not depend on the batch, or has N as a factor of one axis, with a known number of elements of
that axis outside of it. An operator that mixes the images ends the proof.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.language.graph import IMAGES, Graph, Node, Value
from harness.language.operators import OPERATORS, Batch
from harness.language.sizes import Dimensions, Size


@dataclass(frozen=True)
class Place:
    """Where a value has its images: `axis` has N as a factor, and `outside` elements of that axis pass before each step
    to the next image starts over: its size is outside * N * inside."""

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


Places = Mapping[str, Place | None]


def mixing(graph: Graph) -> Mixing | None:
    """The first node that makes an answer depend on other images of the batch; None where there is none, which is then
    proved."""
    places: dict[str, Place | None] = {IMAGES: Place(0)}
    for node in graph.nodes:
        try:
            places[node.name] = _place(graph, node, places)
        except _Ends as end:
            return Mixing(node, end.is_certain)
    output = places.get(graph.output)
    if output != Place(0):
        return Mixing(graph.nodes[-1], is_certain=False) if graph.nodes else None
    return None


def _place(graph: Graph, node: Node, places: Places) -> Place | None:
    """Where a node's result has its images. Raises _Ends."""
    row, inputs, result = OPERATORS[node.operator], graph.inputs_of(node), graph.values[node.name]
    placed = [places.get(value.name) for value in inputs]
    known = [_Known(k, inputs[k], place) for k, place in enumerate(placed) if place is not None]
    if not known:
        return _created(result)
    if len({one.place.outside for one in known}) > 1:
        raise _Ends(is_certain=False)
    return _RULES[row.batch](_At(node, inputs, result, known))


def _created(result: Value) -> Place | None:
    """What is made from nothing that depends on the batch is the same, or equally random, for each image: where N is
    the whole of one axis, or its outer factor."""
    axes = [axis for axis, size in enumerate(result.shape) if isinstance(size, Size)]
    if not axes:
        return None
    if len(axes) > 1 or _in_n(result.shape, axes[0]).more:
        raise _Ends(is_certain=False)
    return Place(axes[0])


@dataclass(frozen=True)
class _Known:
    """An input that depends on the batch: which of the node's inputs it is, and where it has its images."""

    position: int
    value: Value
    place: Place


@dataclass(frozen=True)
class _At:
    """A node whose result is to be placed, and its inputs that depend on the batch."""

    node: Node
    inputs: tuple[Value, ...]
    result: Value
    known: list[_Known]

    def mixed(self) -> frozenset[int]:
        """The axes of the node's first input that it mixes."""
        return OPERATORS[self.node.operator].mixed([value.shape for value in self.inputs], self.node.attributes)

    def on(self, axis: int) -> Place:
        """The place of a result that has the images' axis, with its size, at `axis`. Raises _Ends."""
        one = self.known[0]
        if self.result.shape[axis] != one.value.shape[one.place.axis]:
            raise _Ends(is_certain=False)
        return Place(axis, one.place.outside)


def _kept(at: _At) -> Place:
    """The axis stays where it is, in the first input or in all that are concatenated; a layer's weights have none."""
    places = {one.place for one in at.known}
    if len(places) > 1 or (at.node.operator != "Concat" and any(one.position for one in at.known)):
        raise _Ends(is_certain=True)
    (place,) = places
    if place.axis in at.mixed():
        raise _Ends(is_certain=True)
    return at.on(place.axis)


def _broadcast(at: _At) -> Place:
    """Aligned from the right, the axis is the same in every input."""
    axes = {one.place.axis + at.result.rank - one.value.rank for one in at.known}
    if len(axes) > 1:
        raise _Ends(is_certain=True)
    return at.on(*axes)


def _reduced(at: _At) -> Place:
    """Axes before it that are reduced move it to the front."""
    place = at.known[0].place
    axes = at.node.attributes["axes"]
    if place.axis in axes:
        raise _Ends(is_certain=True)
    if at.node.attributes["keepdims"]:
        return place
    return Place(place.axis - sum(axis < place.axis for axis in axes), place.outside)


def _reshaped(at: _At) -> Place:
    """Of all numbers, those of one image keep their distance; N must become a factor of one axis again."""
    value, place = at.known[0].value, at.known[0].place
    outside = math.prod(_numbers(value.shape[: place.axis])) * place.outside
    inside = _in_n(value.shape, place.axis).images // place.outside * math.prod(_numbers(value.shape[place.axis + 1 :]))
    axes = [axis for axis, size in enumerate(at.result.shape) if isinstance(size, Size)]
    if len(axes) != 1 or not inside:
        raise _Ends(is_certain=False)
    axis = axes[0]
    before = math.prod(_numbers(at.result.shape[:axis]))
    after = math.prod(_numbers(at.result.shape[axis + 1 :]))
    whole = _in_n(at.result.shape, axis)
    is_split = before and after and not outside % before and not inside % after
    if not is_split or outside // before * (inside // after) != whole.images:
        raise _Ends(is_certain=False)
    return Place(axis, outside // before)


def _moved(at: _At) -> Place:
    place = at.known[0].place
    return Place(at.node.attributes["perm"].index(place.axis), place.outside)


def _rows(at: _At) -> Place:
    """A product of matrices: the images may be rows of A or leading axes, not what is summed nor columns of B."""
    from_end = {(one.position, one.value.rank - one.place.axis) for one in at.known}
    if any(end == 1 or (end == 2 and position == 1) for position, end in from_end):
        raise _Ends(is_certain=True)
    axes = {at.result.rank - end for _, end in from_end}
    if len(axes) > 1:
        raise _Ends(is_certain=True)
    return at.on(*axes)


def _gathered(at: _At) -> Place:
    """Images in the input or in the indices, not in both: then one image's index may choose another image."""
    if len(at.known) > 1:
        raise _Ends(is_certain=True)
    (one,) = at.known
    place, axis = one.place, at.node.attributes["axis"]
    if one.position == 1:
        return Place(axis + place.axis, place.outside)
    if place.axis == axis:
        raise _Ends(is_certain=True)
    return place if place.axis < axis else Place(place.axis + at.inputs[1].rank - 1, place.outside)


def _grid(at: _At) -> Place:
    if any(one.place != Place(0) for one in at.known):
        raise _Ends(is_certain=True)
    return Place(0)


def _never(_: _At) -> Place:
    raise _Ends(is_certain=False)


_RULES: Mapping[Batch, Callable[[_At], Place]] = {
    Batch.KEPT: _kept,
    Batch.BROADCAST: _broadcast,
    Batch.REDUCED: _reduced,
    Batch.RESHAPED: _reshaped,
    Batch.MOVED: _moved,
    Batch.ROWS: _rows,
    Batch.GATHERED: _gathered,
    Batch.CREATED: _never,
    Batch.GRID: _grid,
}


def _in_n(shape: Dimensions, axis: int) -> Size:
    """A size that depends on N. Raises _Ends for one that does not, or that is more than a multiple."""
    size = shape[axis]
    if not isinstance(size, Size) or size.more:
        raise _Ends(is_certain=False)
    return size


def _numbers(shape: Dimensions) -> list[int]:
    """Sizes of axes beside the images'. Raises _Ends where one depends on N, too."""
    if any(isinstance(size, Size) for size in shape):
        raise _Ends(is_certain=False)
    return [size for size in shape if isinstance(size, int)]
