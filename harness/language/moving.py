"""The meaning of the operators that move numbers or make them, and compute none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from harness.language.elementwise import Array, Meaning
from harness.language.graph import Kind
from harness.language.refusals import invalid

TYPES: Mapping[Kind, npt.DTypeLike] = {Kind.FLOAT: np.float64, Kind.INT: np.int64, Kind.BOOL: np.bool_}
"""The numbers that the interpreter computes with."""


def reshape(x: Array, *, shape: tuple[int, ...]) -> Array:
    """The same numbers in row-major order."""
    return x.reshape(shape)


def transpose(x: Array, *, perm: tuple[int, ...]) -> Array:
    """Axis k of the result is axis perm[k] of X."""
    return x.transpose(perm)


def expand(x: Array, *, shape: tuple[int, ...]) -> Array:
    """X, repeated along axes of size 1 and new axes in front."""
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, shape))


def concat(*x: Array, axis: int) -> Array:
    """The inputs one after the other along the axis."""
    return np.concatenate(x, axis=axis)


def slice_(x: Array, *, axis: int, start: int, end: int, step: int) -> Array:
    """The numbers at start, start + step, ... before end; with a negative step at the last place, last + step, ..."""
    taken = slice(start, end, step) if step > 0 else slice(None, None, step)
    return x[(*[slice(None)] * axis, taken)]


def gather(x: Array, indices: Array, *, axis: int) -> Array:
    """The numbers of X at `indices` along the axis; negative ones count from its end. Raises ArtifactError for an index
    outside of it. Copies of a number add their gradients."""
    size = x.shape[axis]
    if indices.size and not (-size <= indices.min() and indices.max() < size):
        raise invalid(f"indices from {-size} to {size - 1}", f"{indices.min()} to {indices.max()}")
    return np.take(x, indices, axis=axis)


def pad(x: Array, *, pads: Sequence[tuple[int, int]], mode: str, value: float) -> Array:
    """X with `value` around it; `reflect` mirrors it at its outermost numbers, `edge` repeats them. Copies of
    a number add their gradients."""
    if not any(map(any, pads)):
        return x
    if mode == "constant":
        return np.pad(x, pads, constant_values=value)
    return np.pad(x, pads, mode="reflect" if mode == "reflect" else "edge")


def tile(x: Array, *, repeats: tuple[int, ...]) -> Array:
    """X, repeated as a whole along each axis."""
    return np.tile(x, repeats)


def range_(*, start: int, limit: int, delta: int) -> Array:
    """start, start + delta, ... before limit."""
    return np.arange(start, limit, delta, dtype=np.int64)


def cast(x: Array, *, to: str) -> Array:
    """The same numbers as another kind: whole ones lose their fraction, 0 is false, true is 1. It has no gradient."""
    return x.astype(TYPES[Kind(to)])


def stop_gradient(x: Array) -> Array:
    """X. Its gradient is 0."""
    return x


def random_uniform(drawn: Array, **_: object) -> Array:
    """Numbers drawn from `low` to `high`, each equally likely. They have no gradient."""
    return drawn


def random_normal(drawn: Array, **_: object) -> Array:
    """Normal numbers with this mean, and `scale` as their standard deviation. They have no gradient."""
    return drawn


def bernoulli(drawn: Array, **_: object) -> Array:
    """1 with probability p, else 0. They have no gradient."""
    return drawn


MOVING: Mapping[str, Meaning] = {
    "Reshape": reshape,
    "Transpose": transpose,
    "Expand": expand,
    "Concat": concat,
    "Slice": slice_,
    "Gather": gather,
    "Pad": pad,
    "Tile": tile,
    "Range": range_,
    "Cast": cast,
    "StopGradient": stop_gradient,
    "RandomUniform": random_uniform,
    "RandomNormal": random_normal,
    "Bernoulli": bernoulli,
}
