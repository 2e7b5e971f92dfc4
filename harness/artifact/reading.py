"""Small readers for hostile JSON. Each returns what it was asked for or raises ArtifactError with the reason."""

from __future__ import annotations

import json
import re
import reprlib
from typing import Any

from harness.errors import ArtifactError
from harness.records import Shape

MAX_RANK = 8
MAX_DIMENSION = 1 << 31
_LABEL = re.compile(r"[^\x20-\x7e]")


def refuse(expected: str, found: str) -> ArtifactError:
    """The error for an artifact that our own exporter could not have written."""
    return ArtifactError(expected, found, "hand in a plain model definition: the exporter writes the artifact")


_LOOPS = "StatelessWhile While TensorListFromTensor TensorListReserve TensorListElementShape"
_IN_WORDS = {
    **dict.fromkeys(_LOOPS.split(), "a loop"),
    **dict.fromkeys(["StatelessIf", "If", "StatelessCase", "Case"], "a condition on values"),
    **dict.fromkeys(["PyFunc", "EagerPyFunc", "PyFuncStateless"], "Python code in the graph"),
}
"""What a student knows an operator as."""


def unsupported(operator: str) -> ArtifactError:
    """The error for an operator outside the allow-list, which is a limit of the harness and no fault of the student."""
    words = f" ({_IN_WORDS[operator]})" if operator in _IN_WORDS else ""
    return ArtifactError(
        "operators that the harness supports",
        f"operator {ascii(operator)[1:-1][:60]}{words} is not supported yet",
        "ask the course staff to allow it, or write the layer with ordinary operations",
        unsupported=True,
    )


def shown(value: object, limit: int) -> str:
    """A hostile value in a message: in ASCII, cut short, and not walked to the bottom."""
    return ascii(value)[:limit] if isinstance(value, str) else ascii(reprlib.repr(value))[1:-1][:limit]


def parse(blob: bytes, limit: int, what: str) -> dict[str, Any]:
    """A JSON object of at most `limit` bytes, without NaN or Infinity."""
    if len(blob) > limit:
        raise refuse(f"{what} of at most {limit:,} bytes", f"{len(blob):,} bytes")
    try:
        content = json.loads(blob.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise refuse(f"{what} in JSON", "text that is not JSON") from None
    return mapping(content, what)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def mapping(value: object, what: str, keys: set[str] | None = None) -> dict[str, Any]:
    """A JSON object; with `keys`, one that has just these keys."""
    if not isinstance(value, dict):
        raise refuse(f"{what} to be an object", f"a {type(value).__name__}")
    if keys is not None and set(value) != keys:
        raise refuse(f"{what} with the keys {', '.join(sorted(keys))}", shown(sorted(value), 100))
    return value


def sequence(value: object, what: str, limit: int) -> list[Any]:
    """A JSON array of at most `limit` items."""
    if not isinstance(value, list) or len(value) > limit:
        raise refuse(f"{what} to be a list of at most {limit:,}", _size(value))
    return value


def _size(value: object) -> str:
    return f"{len(value):,} items" if isinstance(value, list) else f"a {type(value).__name__}"


def shape(value: object, what: str) -> Shape:
    """A shape: at most eight dimensions, each a proper size."""
    dimensions = sequence(value, f"the shape of {what}", MAX_RANK)
    if any(type(d) is not int or not 0 <= d <= MAX_DIMENSION for d in dimensions):
        raise refuse(f"whole numbers in the shape of {what}", shown(dimensions, 100))
    return tuple(dimensions)


def label(value: object) -> str:
    """A student's own name for something: kept for messages, cut short, printable."""
    return _LABEL.sub("?", value)[:80] if isinstance(value, str) else ""
