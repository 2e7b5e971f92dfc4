"""Values of the language as tensors whose axes are in any order.

The language is channels first, TensorFlow's kernels want channels last, and Keras' graphs have a transpose at every
change between the two. So a transpose moves nothing here: it only changes which axis of the tensor is which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.backends.tensorflow.imported import tf
from harness.language.graph import Node, Value
from harness.language.sizes import Dimension, Dimensions, Size

Order = tuple[int, ...]
Draws = Callable[[Node, Sequence[Any], Order], Any]
"""The random numbers of a node: its tensor's sizes, and which axis of the node's result each of them is. For Dropout,
1 or True where a number is kept."""


@dataclass(frozen=True)
class Placed:
    """A value of this shape. Axis k of the tensor is axis `order[k]` of the value."""

    tensor: Any
    shape: Dimensions
    order: Order


def placed(tensor: Any, shape: Dimensions) -> Placed:
    """A tensor whose axes are in the value's own order."""
    return Placed(tensor, shape, tuple(range(len(shape))))


def transposed(value: Placed, perm: Sequence[int]) -> Placed:
    """The value with its axes in the order of `perm`; the tensor stays."""
    return Placed(
        value.tensor, tuple(value.shape[axis] for axis in perm), tuple(perm.index(axis) for axis in value.order)
    )


def ordered(value: Placed, order: Sequence[int]) -> Any:
    """The tensor with its axes in this order."""
    if value.order == tuple(order):
        return value.tensor
    if _is_same_memory(value, order):
        return tf.reshape(value.tensor, sizes([value.shape[axis] for axis in order]))
    return tf.transpose(value.tensor, [value.order.index(axis) for axis in order])


def _is_same_memory(value: Placed, order: Sequence[int]) -> bool:
    """Whether only axes of size 1 change places."""
    before = [axis for axis in value.order if value.shape[axis] != 1]
    after = [axis for axis in order if value.shape[axis] != 1]
    return before == after and sum(isinstance(size, Size) for size in value.shape) < 2


def plain(value: Placed) -> Any:
    """The tensor with its axes in the value's own order."""
    return ordered(value, range(len(value.shape)))


def channels_last(rank: int) -> Order:
    """The order of images in TensorFlow: (N, *sizes, channels)."""
    return (0, *range(2, rank), 1)


def sizes(shape: Sequence[Dimension]) -> list[int]:
    """A shape for `tf.reshape`, where at most one size depends on N and no other is 0."""
    return [-1 if isinstance(dimension, Size) else dimension for dimension in shape]


def whole(shape: Sequence[Dimension]) -> tuple[int, ...]:
    """Sizes of an image or a filter, which the table has already found not to depend on N."""
    return tuple(size for size in shape if isinstance(size, int))


def extent(dimension: Dimension, count: Any) -> Any:
    """A size for `count` images."""
    return dimension.at(count) if isinstance(dimension, Size) else dimension


def extents(shape: Sequence[Dimension], count: Any) -> list[Any]:
    """A shape for `count` images."""
    return [extent(dimension, count) for dimension in shape]


@dataclass(frozen=True)
class Call:
    """One node at work. `updated` has the statistics that batch normalizations have updated so far, by name."""

    node: Node
    inputs: tuple[Placed, ...]
    result: Value
    count: Any
    dtype: Any
    draws: Draws
    updated: dict[str, Any]

    def __getitem__(self, attribute: str) -> Any:
        return self.node.attributes[attribute]

    @property
    def first(self) -> Placed:
        """The first input."""
        return self.inputs[0]

    def gives(self, tensor: Any, order: Sequence[int] | None = None) -> Placed:
        """The result: its tensor, with its axes in this order."""
        shape = self.result.shape
        return Placed(tensor, shape, tuple(range(len(shape)) if order is None else order))


Lowered = Callable[[Call], Placed]


def together(call: Call) -> tuple[list[Any], Order]:
    """The inputs as tensors that broadcast to the result, whose axes are in the order that moves the least."""
    rank = len(call.result.shape)
    full = [value for value in call.inputs if len(value.shape) == rank]
    whole = [value for value in full if value.shape == call.result.shape]
    order = [*whole, *full][0].order
    return [aligned(value, order) for value in call.inputs], order


def aligned(value: Placed, order: Order) -> Any:
    """A value of at most as many axes, aligned from the right, as a tensor that broadcasts against this order."""
    missing = len(order) - len(value.shape)
    if not missing or not value.shape:
        return ordered(value, order) if value.shape else value.tensor
    tensor = ordered(value, [axis - missing for axis in order if axis >= missing])
    first = next(k for k, axis in enumerate(order) if axis >= missing)
    if all(axis >= missing for axis in order[first:]):
        return tensor
    return tf.reshape(tensor, sizes([value.shape[axis - missing] if axis >= missing else 1 for axis in order]))
