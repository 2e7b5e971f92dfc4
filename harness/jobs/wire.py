"""A typed message as a frame, and back: all fields, nothing else, each of its own type.

A message is a frozen dataclass. Bytes, and tuples of bytes, travel as blobs under the field's name, the other fields as
JSON. `decode` trusts nothing: a student's process may have written the frame. A `memoryview` is not copied.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import cattrs

from harness.jobs import frames
from harness.records.errors import ArtifactError

Message = TypeVar("Message")


def encode(message: Any, **beside: Any) -> bytes:
    """The frame of a message; `beside` is added to the header."""
    blobs: dict[str, bytes | memoryview] = {}
    header: dict[str, Any] = {}
    for name, kind in _fields(type(message)).items():
        value = getattr(message, name)
        if kind in (bytes, memoryview):
            blobs[name] = value
        elif kind == tuple[bytes, ...]:
            blobs |= {f"{name}/{index}": part for index, part in enumerate(value)}
        else:
            header[name] = _CONVERTER.unstructure(value)
    return frames.encode({**header, **beside}, blobs)


def decode(kind: type[Message], header: Mapping[str, Any], blobs: Mapping[str, memoryview]) -> Message:
    """A message of this kind. Raises ArtifactError for any other."""
    left, fields = dict(blobs), _fields(kind)
    try:
        parts = {name: _taken(name, field, left) for name, field in fields.items() if _is_blob(field)}
        plain = {name: field for name, field in fields.items() if name not in parts}
        if left or set(header) != set(plain):
            raise ValueError("other fields")
        values = {name: _CONVERTER.structure(header[name], field) for name, field in plain.items()}
    except Exception as error:  # cattrs raises groups of errors, to any depth
        found = f"another message ({type(error).__name__})"
        raise ArtifactError(f"one {kind.__name__}", found, "remove code that writes to file descriptors") from None
    return kind(**parts, **values)


def _fields(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _is_blob(field: Any) -> bool:
    return field in (bytes, memoryview, tuple[bytes, ...])


def _taken(name: str, field: Any, left: dict[str, memoryview]) -> Any:
    """The blob of a field, removed from `left`; for a tuple, all of its blobs."""
    if field is memoryview:
        return left.pop(name)
    if field is bytes:
        return bytes(left.pop(name))
    parts: list[bytes] = []
    while (part := left.pop(f"{name}/{len(parts)}", None)) is not None:
        parts.append(bytes(part))
    return tuple(parts)


def _converter() -> cattrs.Converter:
    """Numbers are numbers and text is text: nothing is converted."""
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)
    for kind, accepted in {int: (int,), str: (str,), bool: (bool,), float: (int, float), StrEnum: (str,)}.items():
        converter.register_structure_hook(kind, _only(accepted))
    return converter


def _only(accepted: tuple[type, ...]) -> Callable[[Any, Any], Any]:
    def structure(value: Any, kind: Any) -> Any:
        if type(value) not in accepted:
            raise TypeError(f"a {type(value).__name__} for a {kind.__name__}")
        return kind(value)

    return structure


_CONVERTER = _converter()
