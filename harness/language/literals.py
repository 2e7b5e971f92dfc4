"""How many bits the numbers of an array hold: 32 each, unless fewer numbers make it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Item = TypeVar("Item", bound=Hashable)

WORD = 32
HANDFUL = 3
"""Bits for one of a handful of choices."""
_FREE = frozenset((0.0, 1.0, -1.0, math.inf, -math.inf))
_ROUNDING = 2
"""How many units of the last place the numbers of a range may be off: frameworks compute them in other orders."""


def bits_of_number(number: float) -> int:
    """What one number holds: a bit for those that formulas need, which are 0, 1, -1 and infinities, but not -0.0."""
    is_free = number in _FREE and not (number == 0 and math.copysign(1, number) < 0)
    return 1 if is_free else WORD


def bits_of_sequence(counts: Counter[Item], bits: Callable[[Item], float]) -> float:
    """What a sequence holds in which each item occurs so often: each item once and their order, or all of them as they
    are, whichever is less."""
    once = sum(bits(item) for item in counts) + bits_of_order(counts.values())
    return min(once, sum(count * max(bits(item), HANDFUL) for item, count in counts.items()))


def bits_of_order(counts: Iterable[int]) -> float:
    """The logarithm of the number of orders of items that occur so often."""
    counts = list(counts)
    return (math.lgamma(sum(counts) + 1) - sum(math.lgamma(count + 1) for count in counts)) / math.log(2)


def bits_of_array(array: Array, width: float = WORD) -> float:
    """What an array of numbers of at most `width` bits holds. Copies along an axis, a range, an identity and a triangle
    hold the numbers that make them."""
    array = _without_copies(array)
    numbers = Counter(_numbers(array))
    made = [_as_range(array), _as_triangle(array, sorted(numbers))] if array.size > 2 else []
    held = bits_of_sequence(numbers, lambda number: min(width, bits_of_number(_value(number, array))))
    return min([held, *(bits for bits in made if bits is not None)])


def _numbers(array: Array) -> Iterable[bytes]:
    """Each number as its bytes, which tell apart what compares as equal: 0.0 and -0.0."""
    content, width = array.tobytes(), array.itemsize
    return (content[start : start + width] for start in range(0, len(content), width))


def _value(number: bytes, array: Array) -> float:
    return float(np.frombuffer(number, array.dtype)[0])


def _without_copies(array: Array) -> Array:
    """The array with one of those parts along an axis that are all equal."""
    for axis in range(array.ndim):
        first = array.take([0], axis=axis) if array.size else array
        if np.broadcast_to(first, array.shape).tobytes() == array.tobytes():
            array = first
    return array


def _as_range(array: Array) -> float | None:
    """The bits of first number, step and what was rounded, if the numbers along one axis are evenly spaced."""
    numbers = array.reshape(-1).astype(np.float64)
    is_line = max(array.shape) == array.size and array.dtype != np.bool_ and np.isfinite(numbers).all()
    if not is_line or (np.signbit(numbers) & (numbers == 0)).any():
        return None
    first, step = float(numbers[0]), (float(numbers[-1]) - float(numbers[0])) / (numbers.size - 1)
    exact = first + step * np.arange(numbers.size)
    exact = exact.astype(np.float32) if array.dtype.kind == "f" else np.rint(exact)
    is_off = numbers != exact
    units = np.spacing(np.abs(exact[is_off]).astype(np.float32)).astype(np.float64)
    largest = np.spacing(np.float32(np.abs(exact).max()))
    if (np.abs(numbers - exact).max() > _ROUNDING * largest) or (array.dtype.kind != "f" and is_off.any()):
        return None
    rounded = bits_of_order([units.size, numbers.size - units.size]) + float(np.log2(4 * largest / units).sum())
    return bits_of_number(first) + bits_of_number(step) + rounded


def _as_triangle(array: Array, values: list[bytes]) -> float | None:
    """The bits of two numbers and of a diagonal, if one of them is on the diagonal only, or on one side of it."""
    if array.ndim != 2 or len(values) != 2:
        return None
    rows, columns = array.shape
    one = array == np.frombuffer(values[0], array.dtype)[0]
    for mask in (one, ~one):
        identity, triangle = _diagonals(mask)
        shapes = (np.eye(rows, columns, identity, np.bool_), np.tri(rows, columns, triangle, np.bool_))
        if any(np.array_equal(mask, shape) for shape in shapes):
            return sum(bits_of_number(_value(value, array)) for value in values) + math.log2(4 * (rows + columns))
    return None


def _diagonals(mask: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Which diagonal an identity or a triangle must have, by its first row or else its first column."""
    if mask[0].any():
        return int(mask[0].argmax()), int(mask[0].sum()) - 1
    below = -int(mask[:, 0].argmax())
    return below, below
