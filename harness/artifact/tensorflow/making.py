"""A graph of the language in the making, from a raw TensorFlow graph: what each reference stands for so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.artifact.reading import MAX_REFERENCES, other_arguments
from harness.artifact.tensorflow.averages import Averages
from harness.artifact.tensorflow.raw import MAX_INLINE, Argument, Held, Image, RawGraph, RawNode, Reference, Result
from harness.artifact.tensorflow.static import Static, numbers, of_literal
from harness.language.builder import Builder
from harness.language.graph import Kind, Value
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimension
from harness.records.draw import Draw
from harness.records.graph import Tensor, TensorKind

_MAX_KNOWN = 32 * MAX_INLINE
"""Known numbers in all results of a mode, and in all that its nodes read: what folding them may cost."""


@dataclass(frozen=True)
class Drawn:
    """The state of a random generator or a counter, or what is computed from it."""


@dataclass(frozen=True)
class Nowhere:
    """A result that the language has no value for: it must not be read."""

    what: str


@dataclass(frozen=True)
class Apart:
    """Images whose pixels TensorFlow distributes over the batch, `block` apart, to convolve them with a dilation; then
    with the `filters` that they are convolved with, channels first. Rows of pixels are images of height 1 meanwhile,
    with `is_tall`."""

    images: Value
    block: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    filters: Value | None = None
    group: int = 1
    is_tall: bool = False


Item = Value | Static | Drawn | Nowhere | Apart | Held
"""What a reference stands for. `Held` is a variable, which operators read and write."""


@dataclass
class Making:
    """The state of a translation. `index` is the number of the node at hand."""

    raw: RawGraph
    build: Builder
    averages: Averages
    tensors: Mapping[str, Tensor]
    results: list[tuple[Item, ...]] = field(default_factory=list)
    draws: dict[int, Draw] = field(default_factory=dict)
    index: int = 0

    def __post_init__(self) -> None:
        self._counted = self._known = 0

    @property
    def node(self) -> RawNode:
        """The node at hand."""
        return self.raw.nodes[self.index]

    def add(self, results: tuple[Item, ...]) -> None:
        """The results of the node at hand."""
        self._counted += len(results)
        if self._counted > MAX_REFERENCES:
            raise invalid(f"a graph with at most {MAX_REFERENCES:,} results", "more")
        self._count_known(results)
        self.results.append(results)

    def _count_known(self, items: Iterable[Item]) -> None:
        self._known += sum(item.array.size for item in items if isinstance(item, Static))
        if self._known > _MAX_KNOWN:
            raise invalid(f"a graph that computes with at most {_MAX_KNOWN:,} known numbers", "more")

    def item(self, reference: Reference) -> Item:
        """What a reference stands for. Raises ArtifactError for a result that its node does not have."""
        if isinstance(reference, Image):
            return self.build.images
        if isinstance(reference, Held):
            is_constant = self.tensors[reference.name].kind is TensorKind.CONSTANT
            return self.tensor(reference.name) if is_constant else reference
        if isinstance(reference, Result):
            results = self.results[reference.node]
            if reference.position >= len(results):
                raise other_arguments(self.node.operator)
            return results[reference.position]
        return of_literal(reference)

    def items(self, argument: Argument) -> Item | tuple[Item, ...]:
        """What an argument stands for, which may be several."""
        several = argument if isinstance(argument, tuple) else (argument,)
        items = tuple(map(self.item, several))
        self._count_known(items)
        return items if isinstance(argument, tuple) else items[0]

    def value(self, item: Item) -> Value:
        """An item as a value to compute with. Raises ArtifactError for one that is none."""
        if isinstance(item, Value):
            return item
        if isinstance(item, Static):
            return self.build.constant(numbers(item), item.kind)
        if isinstance(item, Held):
            raise other_arguments(self.node.operator)
        if isinstance(item, Nowhere):
            raise not_supported(item.what)
        if isinstance(item, Apart):
            raise not_supported("SpaceToBatchND other than around a convolution")
        raise not_supported("computing with a tensor that the model writes")

    def tensor(self, name: str) -> Value:
        """A tensor of the model as it was before the graph ran."""
        return self.build.values[name]

    def static(self, item: Item) -> Static:
        """An item as known numbers. Raises ArtifactError for one that is computed from images or weights."""
        if not isinstance(item, Static):
            raise not_supported(f"{self.node.operator} with a size that is computed")
        return item

    def sizes(self, item: Item) -> tuple[Dimension, ...]:
        """Known whole numbers along one axis, which may depend on N."""
        static = self.static(item)
        if static.kind is not Kind.INT or static.array.ndim != 1:
            raise other_arguments(self.node.operator)
        return tuple(static.items)

    def wholes(self, item: Item) -> tuple[int, ...]:
        """Known whole numbers. Raises ArtifactError where they depend on N."""
        static = self.static(item)
        if static.kind is not Kind.INT:
            raise other_arguments(self.node.operator)
        if static.depends_on_n:
            raise not_supported(f"{self.node.operator} by the number of images")
        return tuple(static.items)

    def whole(self, item: Item) -> int:
        """One known whole number."""
        (number,) = self.wholes(item)
        return number

    def emit(self, operator: str, *items: Item, **attributes: Any) -> Value:
        """The result of an operator of the language."""
        return self.build.emit(operator, *map(self.value, items), **attributes)

    def reshape(self, item: Item, shape: Sequence[Dimension]) -> Value:
        """A value in another shape."""
        return self.emit("Reshape", item, shape=tuple(shape))

    def transpose(self, item: Item, perm: Sequence[int]) -> Value:
        """A value with its axes in another order."""
        return self.emit("Transpose", item, perm=tuple(perm))

    def number(self, number: float) -> Value:
        """A constant of one number."""
        return self.build.constant(np.float64(number))

    def filled(self, shape: Sequence[Dimension], number: float) -> Value:
        """A value of one number everywhere."""
        return self.emit("Expand", self.number(number), shape=tuple(shape))


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front. Raises ArtifactError where there is none."""
    if not -rank <= axis < rank:
        raise invalid(f"one of {rank} axes", f"axis {axis}")
    return axis % rank


def shortest(number: float) -> float:
    """A float32 number with as few digits as name it: 0.1 for 0.10000000149011612."""
    return float(str(np.float32(number)))
