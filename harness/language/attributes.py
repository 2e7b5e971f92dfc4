"""Types of operators' attributes: what a value must be. Each `read` returns the value in its one form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness.language.refusals import invalid
from harness.language.sizes import MAX_SIZE, Size

MAX_AXES = 8


class Type(Protocol):
    """The type of an attribute, with its bounds."""

    def read(self, value: Any) -> Any:
        """The value in its one form: lists are tuples. Raises ArtifactError for any other value."""

    def __str__(self) -> str: ...


@dataclass(frozen=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int

    def read(self, value: Any) -> int:
        """The number."""
        if type(value) is not int or not self.least <= value <= self.most:
            raise invalid(str(self), f"{value!r:.40}")
        return value

    def __str__(self) -> str:
        return f"a whole number from {self.least} to {self.most}"


@dataclass(frozen=True)
class Real:
    """A number within bounds, float32; None where it may be left out."""

    least: float = -math.inf
    most: float = math.inf
    may_be_absent: bool = False

    def read(self, value: Any) -> float | None:
        """The number as a float."""
        if value is None and self.may_be_absent:
            return None
        if type(value) not in (int, float) or not self.least <= value <= self.most:
            raise invalid(str(self), f"{value!r:.40}")
        try:
            return float(value)
        except OverflowError:
            raise invalid(str(self), "one that no float holds") from None

    def __str__(self) -> str:
        bounds = "a number" if math.isinf(self.most) else f"a number from {self.least:g} to {self.most:g}"
        return f"{bounds}, or none" if self.may_be_absent else bounds


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def read(self, value: Any) -> bool:
        """The flag."""
        if type(value) is not bool:
            raise invalid(str(self), f"{value!r:.40}")
        return value

    def __str__(self) -> str:
        return "true or false"


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, value: Any) -> str:
        """The word."""
        if not isinstance(value, str) or value not in self.words:
            raise invalid(str(self), f"{value!r:.40}")
        return value

    def __str__(self) -> str:
        return " or ".join(self.words)


@dataclass(frozen=True)
class Wholes:
    """A whole number for each of at most eight axes."""

    least: int
    most: int

    def read(self, value: Any) -> tuple[int, ...]:
        """The numbers."""
        return tuple(Whole(self.least, self.most).read(item) for item in _items(value))

    def __str__(self) -> str:
        return f"for each axis a whole number from {self.least} to {self.most}"


@dataclass(frozen=True)
class Pads:
    """For each axis what is added before and after it."""

    most: int

    def read(self, value: Any) -> tuple[tuple[int, int], ...]:
        """The pairs."""
        return tuple(self._pair(item) for item in _items(value))

    def _pair(self, value: Any) -> tuple[int, int]:
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise invalid("two sizes for each axis", f"{value!r:.40}")
        return Whole(0, self.most).read(value[0]), Whole(0, self.most).read(value[1])

    def __str__(self) -> str:
        return f"for each axis two whole numbers from 0 to {self.most}"


@dataclass(frozen=True)
class Sizes:
    """A shape, whose dimensions may depend on N."""

    def read(self, value: Any) -> tuple[int | Size, ...]:
        """The dimensions."""
        return tuple(Extent().read(item) for item in _items(value))

    def __str__(self) -> str:
        return "a shape, in which N may occur"


@dataclass(frozen=True)
class Extent:
    """A position on an axis or a size, which may depend on N."""

    def read(self, value: Any) -> int | Size:
        """The position."""
        return value if isinstance(value, Size) else Whole(0, MAX_SIZE).read(value)

    def __str__(self) -> str:
        return "a position on the axis, in which N may occur"


def _items(value: Any) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_AXES:
        raise invalid(f"a list of at most {MAX_AXES}", f"{value!r:.40}")
    return value


AXIS = Whole(0, MAX_AXES - 1)
AXES = Wholes(0, MAX_AXES - 1)
