"""Where every value of a chain lies in memory, so that most moves of numbers cost nothing. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from harness.engine.chain import reads_of, root_of
from harness.engine.rules import Chain, NotCovered
from harness.engine.steps import (
    Convolution,
    Copying,
    Dense,
    Place,
    Pointwise,
    Pooling,
    Root,
    Scaling,
    Softening,
    Step,
    View,
    numbers_of,
)
from harness.language.graph import IMAGES
from harness.records.graph import Shape


@dataclass(frozen=True)
class Spot:
    """A place in a root's memory."""

    root: int
    place: Place


@dataclass(frozen=True)
class Placed:
    """A step, where it finds what it reads, and where it writes."""

    step: Step
    reads: tuple[Spot, ...]
    writes: Spot


@dataclass(frozen=True)
class Plan:
    """The steps of a graph with all places. `layers` has the places of what convolutions, dense layers and scales read,
    with the shape of one image's value."""

    roots: tuple[Root, ...]
    steps: tuple[Placed, ...]
    images: Spot
    output: Spot
    layers: Mapping[str, tuple[Spot, Shape]]


@dataclass(frozen=True)
class _Memory:
    """A root in the making: the order of its axes in memory, and columns of zeros around the last one."""

    dims: Shape
    order: tuple[int, ...]
    border: tuple[int, int]
    is_rows: bool
    has_gradient: bool

    @property
    def stored(self) -> Shape:
        dims = [self.dims[axis] for axis in self.order]
        return (*dims[:-1], dims[-1] + sum(self.border)) if dims else ()

    def view(self, root: int) -> View:
        """All of its numbers, in the order of the value's own axes."""
        view = View.whole(root, self.stored)
        if any(self.border):
            last = len(self.dims) - 1
            left = self.border[0]
            view = view.sliced(last, left, left + self.dims[self.order[last]], 1)
        return view.transposed([self.order.index(axis) for axis in range(len(self.dims))])


@dataclass
class _Layout:
    chain: Chain
    trainable: frozenset[str]
    roots: list[_Memory] = field(default_factory=list)
    views: dict[str, View] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)


def plan_of(chain: Chain, trainable: frozenset[str]) -> Plan:
    """The places of every value. Gradients are wanted of these tensors. Raises NotCovered."""
    layout = _Layout(chain, trainable)
    readers = _readers(chain)
    _new_root(layout, IMAGES, chain.dims[IMAGES], readers[IMAGES], is_rows=None, has_gradient=False)
    for step in chain.steps:
        _place(layout, step, readers[step.y])
    output = _spot(layout, _whole(layout, chain.graph.output))
    roots = tuple(Root(math.prod(m.stored), math.prod(m.dims), m.is_rows, m.has_gradient) for m in layout.roots)
    images = _spot(layout, layout.views[IMAGES])
    flat = replace(output, place=output.place.flat())
    return Plan(roots, tuple(layout.placed), images, flat, _layers(layout))


def _layers(layout: _Layout) -> dict[str, tuple[Spot, Shape]]:
    names = [step.x for step in layout.chain.steps if isinstance(step, (Convolution, Dense, Scaling))]
    return {name: (_spot(layout, layout.views[name]), layout.chain.dims[name]) for name in names}


@dataclass
class _Readers:
    """How a root is read: the steps, and by which transpositions of its axes."""

    steps: list[Step] = field(default_factory=list)
    orders: list[tuple[int, ...] | None] = field(default_factory=list)
    pads: list[tuple[int, int]] = field(default_factory=list)


def _readers(chain: Chain) -> dict[str, _Readers]:
    found: dict[str, _Readers] = defaultdict(_Readers)
    for step in chain.steps:
        for name in reads_of(step):
            readers = found[root_of(chain, name)]
            readers.steps.append(step)
            readers.orders.append(_order(chain, name))
            if isinstance(step, Convolution):
                _, left, _, right = step.geometry.pads
                readers.pads.append((left, right))
    return found


def _order(chain: Chain, name: str) -> tuple[int, ...] | None:
    """The order of axes in which a reader would like to find its root; None for the root's own."""
    kind, how = "", None
    while name in chain.moved:
        name, kind, how = chain.moved[name]
    return how if kind == "transpose" else None


def _new_root(
    layout: _Layout, name: str, dims: Shape, readers: _Readers, *, is_rows: bool | None, has_gradient: bool
) -> View:
    """Memory for a value: by rows if a dense layer reads or writes it and no convolution does."""
    is_convolved = any(isinstance(step, Convolution) for step in readers.steps)
    if is_rows is None or is_convolved:
        is_rows = not is_convolved and any(isinstance(step, Dense) for step in readers.steps)
    order = readers.orders[0] if readers.orders and len(set(readers.orders)) == 1 else None
    own = tuple(range(len(dims)))
    border = (max((l for l, _ in readers.pads), default=0), max((r for _, r in readers.pads), default=0))  # noqa: E741
    memory = _Memory(dims, order or own, border if dims else (0, 0), is_rows, has_gradient)
    layout.roots.append(memory)
    layout.views[name] = memory.view(len(layout.roots) - 1)
    return layout.views[name]


def _place(layout: _Layout, step: Step, readers: _Readers) -> None:
    views = [_found(layout, step, name) for name in reads_of(step)]
    has_gradient = not (isinstance(step, Copying) and step.stops) and (
        any(layout.roots[view.root].has_gradient for view in views) or _learns(layout, step)
    )
    if step.y not in layout.views:
        is_rows = _by_rows(layout, step, views)
        _new_root(layout, step.y, layout.chain.dims[step.y], readers, is_rows=is_rows, has_gradient=has_gradient)
        if isinstance(step, Dense) and not layout.roots[-1].is_rows:
            _after_dense(layout, step, has_gradient=has_gradient, views=views)
            return
    elif has_gradient:
        root = layout.views[step.y].root
        layout.roots[root] = replace(layout.roots[root], has_gradient=True)
    target = layout.views[step.y]
    if isinstance(step, Copying):
        for axis, start in enumerate(step.starts):
            target = target.sliced(axis, start, start + views[0].dims[axis], 1)
    layout.placed.append(_joined(layout, step, views, target))


def _after_dense(layout: _Layout, step: Dense, views: list[View], *, has_gradient: bool) -> None:
    """A dense layer writes rows; what a convolution reads of it is a copy."""
    target = layout.views[step.y]
    name = f"{step.y}.rows"
    rows = _new_root(layout, name, target.dims, _Readers(), is_rows=True, has_gradient=has_gradient)
    layout.placed.append(_joined(layout, step, views, rows))
    copy = Copying(name, step.y, tuple(0 for _ in target.dims))
    layout.placed.append(_joined(layout, copy, [rows], target))


def _by_rows(layout: _Layout, step: Step, views: list[View]) -> bool | None:
    """Whether what a step writes lies in rows; None where that is left to its readers. Where nothing is written, zeros
    must stay: they would not if the place of a number depended on how many blocks a batch has."""
    if isinstance(step, Copying) and _is_padded(layout, step):
        return False
    if isinstance(step, Dense):
        return True
    return (not isinstance(step, (Convolution, Pooling)) and _in_rows(layout, views)) or None


def _is_padded(layout: _Layout, step: Copying) -> bool:
    """Whether a value has numbers that no step writes."""
    chain = layout.chain
    parts = [other.x for other in chain.steps if isinstance(other, Copying) and other.y == step.y]
    return sum(math.prod(chain.dims[part]) for part in parts) < math.prod(chain.dims[step.y])


def _in_rows(layout: _Layout, views: Iterable[View]) -> bool:
    return all(layout.roots[view.root].is_rows for view in views)


def _learns(layout: _Layout, step: Step) -> bool:
    return any(numbers.tensor in layout.trainable for numbers in numbers_of(step))


def _joined(layout: _Layout, step: Step, views: list[View], target: View) -> Placed:
    reads, writes = [_spot(layout, view) for view in views], _spot(layout, target)
    if isinstance(step, Softening):
        reads, writes = [_in_line(spot) for spot in reads], _in_line(writes)
    if _may_be_flat(step) and all(spot.place.is_whole for spot in (*reads, writes)):
        flat = [Spot(spot.root, spot.place.flat()) for spot in (*reads, writes)]
        reads, writes = flat[:-1], flat[-1]
    return Placed(step, tuple(reads), writes)


def _in_line(spot: Spot) -> Spot:
    """A plain vector, whose numbers are channels, as one line."""
    place = spot.place
    return replace(spot, place=replace(place, dims=(1, 1, place.count), strides=(0, 0, place.strides[0])))


def _may_be_flat(step: Step) -> bool:
    """Whether a step does the same with every number."""
    if isinstance(step, Pointwise):
        return step.epilogue.pool is None
    if isinstance(step, Scaling):
        return math.prod(step.shape) == 1
    return not isinstance(step, (Convolution, Pooling, Dense)) and not hasattr(step, "epilogue")


def _found(layout: _Layout, step: Step, name: str) -> View:
    """The view by which a step reads a value; a copy of the value where its own place does not do."""
    if isinstance(step, (Dense, Softening)):
        view = _whole(layout, name)
        is_good = layout.roots[view.root].is_rows or isinstance(step, Softening)
        return view if is_good else _copied(layout, view, as_rows=True)
    if isinstance(step, Convolution):
        view = _view(layout, name, as_rows=False)
        _, left, _, right = step.geometry.pads
        return view if _suits(layout, view, left, right) else _copied(layout, view, as_rows=False, pads=(left, right))
    view = _view(layout, name, as_rows=False)
    return view if view.triple() else _copied(layout, view, as_rows=layout.roots[view.root].is_rows)


def _whole(layout: _Layout, name: str) -> View:
    """A value with its numbers one after the other."""
    view = _view(layout, name, as_rows=True)
    return view if view.triple() and _spot(layout, view).place.is_whole else _copied(layout, view, as_rows=True)


def _suits(layout: _Layout, view: View, left: int, right: int) -> bool:
    """Whether a convolution with these pads can read a view: each line in order, with zeros on both sides."""
    memory, triple = layout.roots[view.root], view.triple()
    if memory.is_rows or not triple or (triple[0][2] > 1 and triple[1][2] != 1):
        return False
    if not (left or right):
        return True
    width = memory.dims[memory.order[-1]]
    return triple[0][2] == width and triple[1][2] == 1 and memory.border[0] >= left and memory.border[1] >= right


def _view(layout: _Layout, name: str, *, as_rows: bool) -> View:
    """A value's numbers where its root has them, or where a copy had to be made."""
    unknown = []
    while name not in layout.views:
        unknown.append(name)
        name = layout.chain.moved[name][0]
    view = layout.views[name]
    for moved in reversed(unknown):
        _, kind, how = layout.chain.moved[moved]
        if kind == "transpose":
            view = view.transposed(how)
        elif kind == "slice":
            view = view.sliced(*how)
        else:
            view = view.reshaped(how) or _reshaped(layout, view, how, as_rows=as_rows)
        layout.views[moved] = view
    return view


def _reshaped(layout: _Layout, view: View, dims: Shape, *, as_rows: bool) -> View:
    found = _copied(layout, view, as_rows=as_rows).reshaped(dims)
    if found is None:
        raise NotCovered("a reshape of what was copied")
    return found


def _copied(layout: _Layout, view: View, *, as_rows: bool, pads: tuple[int, int] = (0, 0)) -> View:
    if view.triple() is None:
        raise NotCovered("a move of more than three axes")
    readers = _Readers(pads=[pads])
    name = f"copy{len(layout.roots)}"
    has_gradient = layout.roots[view.root].has_gradient
    target = _new_root(layout, name, view.dims, readers, is_rows=as_rows, has_gradient=has_gradient)
    layout.placed.append(_joined(layout, Copying("", name, tuple(0 for _ in view.dims)), [view], target))
    return target


def _spot(layout: _Layout, view: View) -> Spot:
    triple = view.triple()
    if triple is None:
        raise NotCovered("a value of more than three axes")
    memory = layout.roots[view.root]
    return Spot(view.root, Place(memory.is_rows, math.prod(memory.stored), view.offset, *triple))
