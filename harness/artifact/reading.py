"""Small readers for hostile JSON. Each returns what it was asked for or raises ArtifactError with the reason."""

from __future__ import annotations

import json
import math
import re
import reprlib
from typing import Any

import numpy as np

from harness.language.refusals import invalid, not_supported
from harness.records.errors import ArtifactError
from harness.records.graph import Shape

MAX_RANK = 8
MAX_DIMENSION = 1 << 31
MAX_NODES = 5000
MAX_REFERENCES = 20_000
"""In the graph of one mode. Keras's ResNet-152 has 4,395 nodes with 6,154 references in its training graph."""
MAX_VALUES = 300_000
"""Opening brackets, commas and colons in a piece of JSON: a value has one or two. That ResNet-152 has 128,094."""
MAX_NESTING = 16
"""Of brackets in JSON: ten are needed, and more by lists inside an argument."""
_LABEL = re.compile(r"[^\x20-\x7e]")


_LOOPS = "StatelessWhile While TensorListFromTensor TensorListReserve TensorListElementShape"
_IN_WORDS = {
    **dict.fromkeys(_LOOPS.split(), "a loop"),
    **dict.fromkeys(["StatelessIf", "If", "StatelessCase", "Case"], "a condition on values"),
    **dict.fromkeys(["PyFunc", "EagerPyFunc", "PyFuncStateless"], "Python code in the graph"),
}
"""An operator in the student's terms."""


def other_arguments(operator: str) -> ArtifactError:
    """The error for an operator of the allow-list whose arguments do not match its definition."""
    return invalid("operators called with the arguments they take", f"other arguments of {operator}")


def count_references(references: int) -> int:
    """The number of references in a graph so far, if it is allowed. Raises ArtifactError."""
    if references > MAX_REFERENCES:
        raise invalid(f"a graph with at most {MAX_REFERENCES:,} references", f"{references:,}")
    return references


def unknown_operator(operator: str) -> ArtifactError:
    """The error for an operator outside the allow-list."""
    words = f" ({_IN_WORDS[operator]})" if operator in _IN_WORDS else ""
    return not_supported(f"operator {ascii(operator[:60])[1:-1][:60]}{words}")


def shown(value: object, limit: int) -> str:
    """A hostile value for a message: in ASCII, shortened, and not traversed completely."""
    return ascii(value[:limit])[:limit] if isinstance(value, str) else ascii(reprlib.repr(value))[1:-1][:limit]


def parse(blob: bytes, limit: int, what: str) -> dict[str, Any]:
    """A JSON object of at most `limit` bytes, in which numbers are finite and no name is given twice.

    The parsed form of hostile text can take fifty times its size, so values and their depth are counted first.
    Memory: at most 32 MiB for a text of 2 MiB.
    """
    check_extent(blob, limit, what)
    try:
        content = json.loads(
            blob.decode("utf-8"), parse_constant=_finite, parse_float=_finite, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError):
        raise invalid(f"{what} in JSON", "text that is not JSON, or a name given twice") from None
    return mapping(content, what)


def check_extent(blob: bytes, limit: int, what: str) -> None:
    """Raises ArtifactError for a text that `parse` refuses to begin with. Linear time."""
    if len(blob) > limit:
        raise invalid(f"{what} of at most {limit:,} bytes", f"{len(blob):,} bytes")
    values, nesting = _extent(blob)
    if values > MAX_VALUES or nesting > MAX_NESTING:
        expected = f"{what} of at most {MAX_VALUES:,} values, nested at most {MAX_NESTING} deep"
        raise invalid(expected, f"{values:,} brackets, commas and colons, nested {nesting:,} deep")


def _extent(text: bytes) -> tuple[int, int]:
    """How many opening brackets, commas and colons are outside strings, and how deep brackets nest. Linear time.

    Where the text is not JSON, both hold as far as a parser reads it.
    """
    without_escapes = text.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    letters = np.frombuffer(without_escapes, np.uint8)
    is_outside = ~np.logical_xor.accumulate(letters == ord('"'))
    values = int(np.count_nonzero(_STARTS_A_VALUE[letters] & is_outside))
    nesting = np.cumsum(_STEPS[letters] * is_outside, dtype=np.int32)
    return values, int(nesting.max(initial=0))


_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1
_STARTS_A_VALUE = np.isin(np.arange(256), list(b"[{,:"))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a name given twice")
    return content


def mapping(value: object, what: str, keys: set[str] | None = None) -> dict[str, Any]:
    """A JSON object; with `keys`, one with exactly these keys."""
    if not isinstance(value, dict):
        raise invalid(f"{what} to be an object", f"a {type(value).__name__}")
    if keys is not None and set(value) != keys:
        raise invalid(f"{what} with the keys {', '.join(sorted(keys))}", shown(sorted(value), 100))
    return value


def sequence(value: object, what: str, limit: int) -> list[Any]:
    """A JSON array of at most `limit` items."""
    if not isinstance(value, list) or len(value) > limit:
        raise invalid(f"{what} to be a list of at most {limit:,}", _size(value))
    return value


def _size(value: object) -> str:
    return f"{len(value):,} items" if isinstance(value, list) else f"a {type(value).__name__}"


def shape(value: object, what: str) -> Shape:
    """A shape: at most eight dimensions, each a valid size."""
    dimensions = sequence(value, f"the shape of {what}", MAX_RANK)
    if any(type(d) is not int or not 0 <= d <= MAX_DIMENSION for d in dimensions):
        raise invalid(f"whole numbers in the shape of {what}", shown(dimensions, 100))
    return tuple(dimensions)


def label(value: object) -> str:
    """A student's own name for something: kept for messages, shortened, printable."""
    return _LABEL.sub("?", value[:80]) if isinstance(value, str) else ""
