"""Values that are known without running a graph: shapes, sizes, axes. They may depend on the number of images N.

TensorFlow computes shapes with operators, as it computes everything. Here they are folded: what is left in a graph of
the language is what depends on images, weights or random numbers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.artifact.reading import MAX_RANK
from harness.artifact.tensorflow.raw import FLOATS, MAX_INLINE, Literal
from harness.language.graph import Kind
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimension, Size

_LARGEST = 1 << 63

Objects = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Static:
    """Known numbers: an array of int, float, bool or Size."""

    array: Objects
    kind: Kind

    def __post_init__(self) -> None:
        if self.array.size > MAX_INLINE or self.array.ndim > MAX_RANK:
            raise invalid(f"shapes of at most {MAX_INLINE:,} numbers", "more")
        if any(type(item) is int and abs(item) >= _LARGEST for item in self.array.flat):
            raise invalid("whole numbers of at most 64 bits", "larger ones")

    @property
    def items(self) -> list[Any]:
        """All numbers in order."""
        return list(self.array.flat)

    @property
    def depends_on_n(self) -> bool:
        """Whether the number of images is among the numbers."""
        return any(isinstance(item, Size) for item in self.array.flat)


def kind_of(dtype: str) -> Kind:
    """What numbers of a TensorFlow data type are in the language."""
    return Kind.FLOAT if dtype in FLOATS else Kind.BOOL if dtype == "bool" else Kind.INT


def objects(items: Iterable[Any], shape: Sequence[int] | None = None) -> Objects:
    """An array of these very objects, in one axis or of this shape."""
    listed = list(items)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array if shape is None else array.reshape(shape)


def of_literal(literal: Literal) -> Static:
    """A constant of the graph."""
    return Static(objects(literal.items, literal.shape), kind_of(literal.dtype))


def whole(items: Iterable[Dimension]) -> Static:
    """Whole numbers along one axis: a shape."""
    return Static(objects(items), Kind.INT)


def _maximum(a: Any, b: Any) -> Any:
    return max(a, b)


def _minimum(a: Any, b: Any) -> Any:
    return min(a, b)


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": operator.truediv,
    "FloorDiv": operator.floordiv,
}
_OF_NUMBERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "FloorMod": operator.mod,
    "Max": _maximum,
    "Min": _minimum,
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "Less": operator.lt,
    "LessOrEqual": operator.le,
    "Greater": operator.gt,
    "GreaterOrEqual": operator.ge,
    "Equal": operator.eq,
    "NotEqual": operator.ne,
}
FOLDED = frozenset({*_ARITHMETIC, *_OF_NUMBERS, *_COMPARISONS})
"""The operators that `combined` knows."""


def combined(name: str, a: Static, b: Static) -> Static:
    """Two known values, number by number. Raises ArtifactError where that needs to know N."""
    if math.prod(np.broadcast_shapes(a.array.shape, b.array.shape)) > MAX_INLINE:
        raise invalid(f"shapes of at most {MAX_INLINE:,} numbers", "more")
    if a.kind is not b.kind or a.kind is Kind.BOOL or (name == "Div" and a.kind is Kind.INT):
        raise invalid("numbers of one kind", f"{name} of {a.kind} and {b.kind} numbers")
    if name not in _ARITHMETIC and (a.depends_on_n or b.depends_on_n):
        raise not_supported("a condition on the number of images")
    function = {**_ARITHMETIC, **_OF_NUMBERS, **_COMPARISONS}[name]
    result = np.frompyfunc(function, 2, 1)(a.array, b.array)
    return Static(_as_array(result), Kind.BOOL if name in _COMPARISONS else a.kind)


def cast(value: Static, kind: Kind) -> Static:
    """Known numbers as numbers of another kind."""
    if kind is value.kind:
        return value
    if value.depends_on_n:
        raise not_supported("the number of images as a number to compute with")
    to = {Kind.FLOAT: float, Kind.INT: int, Kind.BOOL: bool}[kind]
    return Static(objects(map(to, value.array.flat), value.array.shape), kind)


def chosen(condition: Static, a: Static, b: Static) -> Static:
    """a where the condition holds, else b."""
    return Static(np.where(condition.array.astype(bool), a.array, b.array), a.kind)


def indexed(value: Static, index: tuple[Any, ...]) -> Static:
    """Some of the numbers, as NumPy indexes."""
    return Static(_as_array(value.array[index]), value.kind)


def numbers(value: Static) -> npt.NDArray[Any]:
    """Known numbers to compute with. Raises ArtifactError where they depend on N."""
    if value.depends_on_n:
        raise not_supported("the number of images as a number to compute with")
    types: Mapping[Kind, npt.DTypeLike] = {Kind.FLOAT: np.float64, Kind.INT: np.int64, Kind.BOOL: np.bool_}
    return np.asarray(value.array.tolist(), types[value.kind]).reshape(value.array.shape)


def _as_array(result: Any) -> Objects:
    """A result of NumPy, which gives a single object without its array."""
    return result if isinstance(result, np.ndarray) else objects([result], ())
