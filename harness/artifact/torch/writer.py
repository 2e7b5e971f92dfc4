"""What the rules of PyTorch's operators write with: the builder, constants, and where the original draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.artifact.torch.views import Reference, Step, View, current, derived
from harness.language.builder import Builder
from harness.language.graph import Kind, Value
from harness.language.operators import OPERATORS
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimension, Dimensions, Size
from harness.records.draw import Draw
from harness.records.graph import Shape, Tensor

Number = bool | int | float
Operand = Value | Number

_LARGEST = float(np.finfo(np.float32).max)
_NARROW = "U8"
"""Whole numbers that wrap around where the language's do not."""
_MOVING = ("Reshape", "Transpose", "Expand", "Concat", "Slice", "Gather", "Tile", "StopGradient", "Cast")


@dataclass(frozen=True)
class Mask:
    """A value that is Dropout of ones: what Dropout would multiply its input with."""

    ratio: float
    draw: Draw


class Writer:
    """A graph in the making."""

    def __init__(self, input_shape: Shape, tensors: Mapping[str, Tensor]) -> None:
        self.builder = Builder(input_shape, tuple(tensors.values()))
        self.draws: dict[int, Draw] = {}
        self.masks: dict[str, Mask] = {}
        self._drawn: dict[str, Draw] = {}
        self._narrow = {tensor.name for tensor in tensors.values() if tensor.dtype == _NARROW}

    def emit(self, operator: str, *inputs: Value, **attributes: Any) -> Value:
        """The result of an operator. Raises ArtifactError where the table does not allow it."""
        if not all(value.name for value in inputs):
            raise invalid("tensors that are written before they are read", "one that is not")
        result = self.builder.emit(operator, *inputs, **attributes)
        if result.kind is Kind.INT and any(value.name in self._narrow for value in inputs):
            if operator not in _MOVING:
                raise not_supported("arithmetic with numbers of 8 bits")
            self._narrow.add(result.name)
        return result

    def is_trained(self, value: Value) -> bool:
        """Whether gradients flow through a value to a trainable tensor."""
        return self.builder.is_trained(value)

    def is_narrow(self, value: Value) -> bool:
        """Whether a value has whole numbers of 8 bits."""
        return value.name in self._narrow

    def value(self, reference: Reference) -> Value:
        """What a tensor holds now."""
        storage = reference.storage
        if storage.is_updated:
            raise not_supported("a model that reads statistics which it has updated")
        storage.is_read = True
        return current(self, reference.view)

    def view(self, reference: Reference, *steps: Step) -> View:
        """A tensor seen through further steps."""
        view = reference.view
        for step in steps:
            view = derived(self, view, step)
        return view

    def constant(self, number: Number, kind: Kind = Kind.FLOAT) -> Value:
        """One number, in float32 infinite where it is beyond."""
        if kind is Kind.FLOAT and abs(number) > _LARGEST:
            return self.builder.constant(math.copysign(math.inf, number), kind)
        return self.builder.constant(number, kind)

    def filled(self, shape: Sequence[Dimension], number: Number, kind: Kind = Kind.FLOAT) -> Value:
        """The same number everywhere."""
        return self.emit("Expand", self.constant(number, kind), shape=tuple(shape))

    def alike(self, *operands: Operand) -> list[Value]:
        """Values and numbers as values of one kind, by PyTorch's promotion of types."""
        kind = _common(operands)
        return [self.cast(o, kind) if isinstance(o, Value) else self.constant(o, kind) for o in operands]

    def cast(self, value: Value, kind: Kind) -> Value:
        """The same numbers in another kind."""
        return self.emit("Cast", value, to=kind.value)

    def binary(self, operator: str, a: Operand, b: Operand) -> Value:
        """An operator of two values or numbers."""
        return self.emit(operator, *self.alike(a, b))

    def scaled(self, value: Operand, factor: Number) -> Operand:
        """A value or a number times a factor."""
        if factor == 1:
            return value
        return self.binary("Mul", value, factor) if isinstance(value, Value) else value * factor

    def draw(self, operator: str, draw: Draw, *inputs: Value, **attributes: Any) -> Value:
        """The result of a random operator, and where the original draws its numbers."""
        assert OPERATORS[operator].is_random
        result = self.emit(operator, *inputs, **attributes)
        self.draws[self.builder.origin] = self._drawn[result.name] = draw
        return result

    def draw_of(self, value: Value) -> Draw:
        """Where the original draws the numbers of a random node's result."""
        return self._drawn[value.name]

    def here(self, position: int = 0) -> Draw:
        """The operator that is being translated, as the one that draws."""
        return Draw(self.builder.origin, position)


def _common(operands: Sequence[Operand]) -> Kind:
    kinds = {o.kind if isinstance(o, Value) else _kind_of(o) for o in operands}
    return next(kind for kind in (Kind.FLOAT, Kind.INT, Kind.BOOL) if kind in kinds)


def _kind_of(number: Number) -> Kind:
    return Kind.BOOL if isinstance(number, bool) else Kind.INT if isinstance(number, int) else Kind.FLOAT


kind_of_number = _kind_of


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front. Raises ArtifactError for one that is not there."""
    if not -rank <= axis < rank:
        raise invalid(f"one of {rank} axes", f"axis {axis}")
    return axis % rank


def axes_of(axes: Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Axes counted from the front, in order; all for none."""
    return tuple(sorted(axis_of(axis, rank) for axis in axes)) if axes else tuple(range(rank))


def whole(dimension: Dimension, what: str) -> int:
    """A size that is the same for every batch."""
    if isinstance(dimension, Size):
        raise not_supported(f"{what} that depends on the size of the batch")
    return dimension


def with_axis(shape: Dimensions, axis: int) -> Dimensions:
    """A shape with a further axis of size 1."""
    return (*shape[:axis], 1, *shape[axis:])
