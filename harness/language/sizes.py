"""Sizes that may depend on the number of images N: every dimension is a * N + b."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.language.refusals import invalid, not_supported

MAX_SIZE = 1 << 31


@dataclass(frozen=True)
class Size:
    """`images` * N + `more`, with `images` other than 0. Arithmetic gives a plain number where N cancels out.

    Raises ArtifactError for a result that is not of this form, such as N * N.
    """

    images: int
    more: int = 0

    def __str__(self) -> str:
        factor = "" if self.images == 1 else f"{self.images}*"
        return f"{factor}N{f'{self.more:+d}' if self.more else ''}"

    def __add__(self, other: Dimension) -> Dimension:
        images, more = _parts(other)
        return size(self.images + images, self.more + more)

    __radd__ = __add__

    def __sub__(self, other: Dimension) -> Dimension:
        return self + other * -1

    def __rsub__(self, other: int) -> Dimension:
        return self * -1 + other

    def __mul__(self, other: Dimension) -> Dimension:
        if isinstance(other, Size):
            raise not_supported("a size that grows with the square of the batch")
        return size(self.images * other, self.more * other)

    __rmul__ = __mul__

    def __floordiv__(self, other: Dimension) -> Dimension:
        images, more = _parts(other)
        if images:
            quotient = self.images // images
            if (self.images, self.more) == (images * quotient, more * quotient):
                return quotient
        elif more and not self.images % more and not self.more % more:
            return size(self.images // more, self.more // more)
        raise not_supported(f"{self} divided by {other}")

    def at(self, count: int) -> int:
        """The size for a batch of `count` images."""
        return self.images * count + self.more


Dimension = int | Size
Dimensions = tuple[Dimension, ...]
N = Size(1)
"""The number of images."""


def size(images: int, more: int) -> Dimension:
    """images * N + more. Raises ArtifactError for more than `MAX_SIZE`."""
    if abs(images) > MAX_SIZE or abs(more) > MAX_SIZE:
        raise invalid("a size below 2^31", "a larger one")
    return Size(images, more) if images else more


def _parts(dimension: Dimension) -> tuple[int, int]:
    return (dimension.images, dimension.more) if isinstance(dimension, Size) else (0, dimension)


def at(dimensions: Iterable[Dimension], count: int) -> tuple[int, ...]:
    """A shape for a batch of `count` images."""
    return tuple(d.at(count) if isinstance(d, Size) else d for d in dimensions)


def is_in_every_batch(dimension: Dimension) -> bool:
    """Whether a size is 0 or more for every number of images from 1 on."""
    images, more = _parts(dimension)
    return images >= 0 and images + more >= 0


def product(dimensions: Iterable[Dimension]) -> Dimension:
    """How many numbers a tensor of this shape holds. Raises ArtifactError where that grows faster than N."""
    total: Dimension = 1
    for dimension in dimensions:
        total = total * dimension
        if not isinstance(total, Size) and abs(total) > MAX_SIZE:
            raise invalid("tensors of fewer than 2^31 numbers", "a larger one")
    return total


def broadcast(shapes: Sequence[Dimensions]) -> Dimensions:
    """The common shape that elementwise operators stretch their inputs to. Raises ArtifactError if there is none."""
    rank = max(map(len, shapes), default=0)
    return tuple(_stretched(shapes, axis - rank) for axis in range(rank))


def _stretched(shapes: Sequence[Dimensions], axis: int) -> Dimension:
    stretching = [shape[axis] for shape in shapes if len(shape) >= -axis and shape[axis] != 1]
    if any(dimension != stretching[0] for dimension in stretching):
        raise invalid("inputs that broadcast", f"shapes {', '.join(map(shown_shape, shapes))}")
    return stretching[0] if stretching else 1


def shown_shape(shape: Dimensions) -> str:
    """A shape as text: (N, 6, 28, 28)."""
    return f"({', '.join(map(str, shape))})"


def without_batch(shape: Sequence[Dimension]) -> tuple[int, ...]:
    """A shape for one image: the axis that is N is dropped, k * N is k. Raises ArtifactError for other sizes in N."""
    axis = shape.index(N) if N in shape else len(shape)
    dimensions = (*shape[:axis], *shape[axis + 1 :])
    if any(isinstance(d, Size) and d.more for d in dimensions):
        raise not_supported("a size that is no multiple of the batch")
    return tuple(d.images if isinstance(d, Size) else d for d in dimensions)
