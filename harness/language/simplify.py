"""One form for what can be written in several: nothing that does nothing, and transposes as late as possible.

Every rule keeps the numbers as they are. Images move to channels first where they enter an operator that needs it;
transposes wait until one is needed, so the two around most operators meet and cancel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from harness.language.graph import Kind, Node, Value
from harness.language.operators import OPERATORS, Batch
from harness.language.sizes import broadcast

Attributes = Mapping[str, Any]


class Builder(Protocol):
    """What the rules need to know of the graph in the making, and how they write to it."""

    def emit(self, operator: str, *inputs: Value, **attributes: Any) -> Value:
        """The result of an operator."""

    def made_by(self, value: Value, *operators: str) -> Node | None:
        """The node whose result a value is, if it is one of these operators."""

    def input(self, node: Node, position: int = 0) -> Value:
        """One of the values that a node reads."""

    def number(self, value: Value) -> float | None:
        """The number that a constant of one number is."""

    def is_fixed(self, value: Value) -> bool:
        """Whether a value depends neither on the images nor on random numbers."""

    def is_trained(self, value: Value) -> bool:
        """Whether gradients flow through a value to a trainable tensor."""


def simplified(build: Builder, operator: str, inputs: Sequence[Value], attributes: Attributes) -> Value | None:
    """A value that equals the result of this operator and takes less; None if there is none."""
    if inputs and _does_nothing(build, operator, inputs, attributes):
        return inputs[0]
    if operator in ("Mul", "Add") and _does_nothing(build, operator, inputs[::-1], attributes):
        return inputs[1]
    if operator in ("Transpose", "Reshape"):
        return _joined(build, operator, inputs[0], attributes)
    if len(inputs) == 1 and OPERATORS[operator].batch is Batch.BROADCAST and operator not in _FIXED_SHAPE:
        return _after_one(build, operator, inputs[0], attributes)
    if len(inputs) > 1 and OPERATORS[operator].batch is Batch.BROADCAST:
        return _after_several(build, operator, inputs, attributes)
    moving = {"Pad": _pad, "Concat": _concat, "Slice": _slice}.get(operator) or _REDUCTIONS.get(operator)
    return moving(build, operator, inputs, attributes) if moving else None


_FIXED_SHAPE = ("Expand", "Dropout")


def _does_nothing(build: Builder, operator: str, inputs: Sequence[Value], attributes: Attributes) -> bool:
    """Whether the result is the first input."""
    first = inputs[0]
    if operator == "Transpose":
        return list(attributes["perm"]) == list(range(first.rank))
    if operator == "Reshape":
        return bool(attributes["shape"] == first.shape)
    if operator == "Expand":
        return broadcast([first.shape, attributes["shape"]]) == first.shape
    if operator == "Slice":
        axis = first.shape[attributes["axis"]]
        return (attributes["start"], attributes["end"], attributes["step"]) == (0, axis, 1)
    if operator == "Cast":
        return bool(attributes["to"] == first.kind)
    if operator == "Concat":
        return len(inputs) == 1
    if operator == "StopGradient":
        return not build.is_trained(first)
    if operator == "Pad":
        return not any(map(any, attributes["pads"]))
    neutral = {"Mul": 1, "Add": 0, "Sub": 0, "Div": 1}.get(operator)
    return neutral is not None and first.kind is Kind.FLOAT and build.number(inputs[1]) == neutral


def _joined(build: Builder, operator: str, value: Value, attributes: Attributes) -> Value | None:
    """Two transposes or two reshapes after each other are one."""
    before = build.made_by(value, operator)
    if before is None:
        return None
    source = build.input(before)
    if operator == "Reshape":
        return build.emit("Reshape", source, **attributes)
    return build.emit("Transpose", source, perm=tuple(before.attributes["perm"][axis] for axis in attributes["perm"]))


def _transposed(build: Builder, value: Value) -> tuple[Value, tuple[int, ...]] | None:
    node = build.made_by(value, "Transpose")
    return (build.input(node), node.attributes["perm"]) if node is not None else None


def _after_one(build: Builder, operator: str, value: Value, attributes: Attributes) -> Value | None:
    moved = _transposed(build, value)
    if moved is None or build.is_fixed(value):
        return None
    source, perm = moved
    return build.emit("Transpose", build.emit(operator, source, **attributes), perm=perm)


def _after_several(build: Builder, operator: str, inputs: Sequence[Value], attributes: Attributes) -> Value | None:
    """Elementwise on values of which one is transposed: the others are brought into its order where that is free."""
    rank = max(value.rank for value in inputs)
    moved = [_transposed(build, value) for value in inputs]
    perm = next((m[1] for m, v in zip(moved, inputs, strict=True) if m and not build.is_fixed(v)), None)
    if perm is None or len(perm) != rank:
        return None
    sources: list[Value] = []
    for value, transposed in zip(inputs, moved, strict=True):
        source = transposed[0] if transposed and transposed[1] == perm else _in_order(build, value, perm)
        if source is None:
            return None
        sources.append(source)
    return build.emit("Transpose", build.emit(operator, *sources, **attributes), perm=perm)


def _in_order(build: Builder, value: Value, perm: Sequence[int]) -> Value | None:
    """A value that broadcasts against axes which are to be permuted, as it broadcasts before they are; None where that
    would cost something."""
    if value.rank == 0:
        return value
    if not build.is_fixed(value):
        return None
    shape = (*[1] * (len(perm) - value.rank), *value.shape)
    back = tuple(perm.index(axis) for axis in range(len(perm)))
    return build.emit("Transpose", build.emit("Reshape", value, shape=shape), perm=back)


def _pad(build: Builder, _: str, inputs: Sequence[Value], attributes: Attributes) -> Value | None:
    moved = _transposed(build, inputs[0])
    if moved is None:
        return None
    source, perm = moved
    pads = tuple(attributes["pads"][perm.index(axis)] for axis in range(len(perm)))
    return build.emit("Transpose", build.emit("Pad", source, **{**attributes, "pads": pads}), perm=perm)


_FEW = 8
"""Parts of a concatenation, or values inside each other, that are searched for a slice: a bound on the work."""


def _source_of_slice(build: Builder, value: Value, attributes: Attributes) -> tuple[Value, Attributes] | None:
    """A slice of a slice is one slice; a slice within one of few values that were joined is a slice of that one. So a
    value that was overwritten in part is still itself in its other parts. Transposes end the search, or it could go as
    deep as the graph."""
    source, start, end = value, attributes["start"], attributes["end"]
    for _ in range(_FEW if attributes["step"] == 1 else 0):
        node = build.made_by(source, "Slice", "Concat")
        part = _part(build, node, start, end) if node and node.attributes["axis"] == attributes["axis"] else None
        if part is None:
            is_found = source is not value and build.made_by(source, "Transpose") is None
            return (source, {**attributes, "start": start, "end": end}) if is_found else None
        source, start, end = part[0], start - part[1], end - part[1]
    return None


def _part(build: Builder, node: Node, start: Any, end: Any) -> tuple[Value, Any] | None:
    """An input of a slice or concatenation that has all positions from `start` to `end`, and the position of its
    first."""
    if node.operator == "Slice":
        return (build.input(node), node.attributes["start"] * -1) if node.attributes["step"] == 1 else None
    first = 0
    for k in range(len(node.inputs) if len(node.inputs) <= _FEW else 0):
        part = build.input(node, k)
        length = part.shape[node.attributes["axis"]]
        if not all(isinstance(size, int) for size in (length, start, end)):
            return None
        if first <= start < end <= first + length:
            return part, first
        first += length
    return None


def _slice(build: Builder, _: str, inputs: Sequence[Value], attributes: Attributes) -> Value | None:
    if (found := _source_of_slice(build, inputs[0], attributes)) is not None:
        return build.emit("Slice", found[0], **found[1])
    moved = _transposed(build, inputs[0])
    if moved is None or build.is_fixed(inputs[0]):
        return None
    source, perm = moved
    sliced = build.emit("Slice", source, **{**attributes, "axis": perm[attributes["axis"]]})
    return build.emit("Transpose", sliced, perm=perm)


def _concat(build: Builder, _: str, inputs: Sequence[Value], attributes: Attributes) -> Value | None:
    moved = [_transposed(build, value) for value in inputs]
    known = [m for m in moved if m is not None]
    if len(known) < len(moved) or any(m[1] != known[0][1] for m in known):
        return None
    perm = known[0][1]
    joined = build.emit("Concat", *(source for source, _ in known), axis=perm[attributes["axis"]])
    return build.emit("Transpose", joined, perm=perm)


def _reduce(build: Builder, operator: str, inputs: Sequence[Value], attributes: Attributes) -> Value | None:
    moved = _transposed(build, inputs[0])
    if moved is None:
        return None
    source, perm = moved
    axes = tuple(sorted(perm[axis] for axis in attributes["axes"]))
    reduced = build.emit(operator, source, axes=axes, keepdims=attributes["keepdims"])
    if attributes["keepdims"]:
        return build.emit("Transpose", reduced, perm=perm)
    rest = [perm[axis] for axis in range(len(perm)) if axis not in attributes["axes"]]
    return build.emit("Transpose", reduced, perm=tuple(sorted(rest).index(axis) for axis in rest))


def _axis(build: Builder, operator: str, inputs: Sequence[Value], attributes: Attributes) -> Value | None:
    """Softmax along an axis that was somewhere else before the transpose."""
    moved = _transposed(build, inputs[0])
    if moved is None:
        return None
    source, perm = moved
    return build.emit("Transpose", build.emit(operator, source, axis=perm[attributes["axis"]]), perm=perm)


_REDUCTIONS = {
    **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2"), _reduce),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _axis),
}
