"""ATen's own schemas: what arguments an operator takes, and the arguments of a hostile node read by them.

A rule of the translation is registered under the text of its operator's schema, as PyTorch prints it without marks of
aliasing and without results. Whatever a schema does not have is refused.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.artifact.reading import other_arguments
from harness.language.graph import Kind
from harness.language.refusals import not_supported
from harness.language.sizes import Dimension, size

Refer = Callable[[Any], Any]
"""Reads what a hostile argument names: the input, a tensor or a node's result; None if it names nothing. Raises
ArtifactError for one that does not exist."""

MAX_ITEMS = 4096
_LARGEST = 1 << 63
_REQUIRED = object()
_OF_NUMBERS = frozenset(f"aten.{name}.Tensor" for word in ("add", "sub", "mul", "div") for name in (word, f"{word}_"))
"""The tracer sees a number where PyTorch makes a tensor of it."""
_SCHEMA = re.compile(r"(?P<name>\w+(?:\.\w+)?)\((?P<parameters>.*)\)")
_PARAMETER = re.compile(r"(?P<type>\S+) (?P<name>\w+)(?:=(?P<default>.+))?")
_COMMA = re.compile(r", (?![^\[]*\])")
_KINDS = {
    **dict.fromkeys(("float32", "float64"), Kind.FLOAT),
    **dict.fromkeys(("int64", "int32"), Kind.INT),
    "bool": Kind.BOOL,
}


class _Other(Exception):
    """An argument that its parameter does not allow."""


@dataclass(frozen=True)
class Parameter:
    """One parameter: its type as ATen writes it, and whether it is given by keyword alone."""

    name: str
    type: str
    default: Any
    is_keyword: bool


@dataclass(frozen=True)
class Schema:
    """An operator's full name, such as aten.add.Tensor, and its parameters."""

    name: str
    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, text: str) -> Schema:
        """The schema that ATen writes so: add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1)."""
        found = _SCHEMA.fullmatch(text)
        if found is None:
            raise ValueError(text)
        name, parts = found["name"], _COMMA.split(found["parameters"])
        star = parts.index("*") if "*" in parts else len(parts)
        parameters = (_parameter(part, k > star) for k, part in enumerate(parts) if part != "*")
        return cls(f"aten.{name}" if "." in name else f"aten.{name}.default", tuple(parameters))

    @property
    def is_in_place(self) -> bool:
        """Whether the operator changes its first argument."""
        return self.name.split(".")[1].endswith("_")

    def read(self, args: list[Any], keywords: Mapping[str, Any], refer: Refer) -> list[Any]:
        """The arguments of a node in the order of the parameters, without those that change nothing. Tensors are as
        `refer` gives them, or numbers. Raises ArtifactError for arguments that the operator does not take."""
        given = self._given(args, keywords)
        try:
            found = [(p, self._read(p, given.get(p.name, _REQUIRED), refer)) for p in self.parameters]
        except _Other:
            raise other_arguments(self.name) from None
        return [value for p, value in found if p.name not in _WITHOUT_EFFECT]

    def _read(self, parameter: Parameter, value: Any, refer: Refer) -> Any:
        if (
            parameter.name == "other"
            and parameter.type == "Tensor"
            and self.name in _OF_NUMBERS
            and refer(value) is None
        ):
            return _scalar(value)
        return _read(parameter, value, refer)

    def _given(self, args: list[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
        positional = [p.name for p in self.parameters if not p.is_keyword]
        given = dict(zip(positional, args, strict=False))
        names = {p.name for p in self.parameters}
        if len(args) > len(positional) or not keywords.keys() <= names - given.keys():
            raise other_arguments(self.name)
        return given | dict(keywords)


def _parameter(text: str, is_keyword: bool) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    if found is None:
        raise ValueError(text)
    default = _REQUIRED if found["default"] is None else ast.literal_eval(found["default"])
    return Parameter(found["name"], found["type"], default, is_keyword)


def _read(parameter: Parameter, value: Any, refer: Refer) -> Any:
    if value is _REQUIRED:
        if parameter.default is _REQUIRED:
            raise _Other
        value = parameter.default
    if parameter.name in _WITHOUT_EFFECT:
        if not _WITHOUT_EFFECT[parameter.name](value):
            raise _Other
        return value
    return _typed(parameter.type, value, refer)


def _typed(kind: str, value: Any, refer: Refer) -> Any:
    if kind.endswith("?"):
        return None if value is None else _typed(kind[:-1], value, refer)
    if kind.endswith("]"):
        item, _, length = kind[:-1].partition("[")
        return _items(item, value if not length or isinstance(value, list) else [value], refer)
    if kind == "Tensor":
        return _tensor(value, refer)
    return _READERS[kind](value)


def _items(kind: str, value: Any, refer: Refer) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise _Other
    return [_typed(kind, item, refer) for item in value]


def _tensor(value: Any, refer: Refer) -> Any:
    found = refer(value)
    if found is None:
        raise _Other
    return found


def _scalar(value: Any) -> bool | int | float:
    if isinstance(value, dict) and value.keys() == {"batch"}:
        raise not_supported("a number that depends on the size of the batch")
    return value if type(value) is bool else _number(value)


def _number(value: Any) -> int | float:
    if type(value) is int:
        return _whole(value)
    if isinstance(value, dict) and value.keys() == {"float"} and value["float"] in ("inf", "-inf"):
        return float(value["float"])
    if type(value) is not float or math.isnan(value):
        raise _Other
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) > _LARGEST:
        raise _Other
    return value


def _dimension(value: Any) -> Dimension:
    """A size or a position, which may depend on the number of images."""
    if isinstance(value, dict) and value.keys() == {"batch"}:
        pair = value["batch"]
        if not isinstance(pair, list) or [type(number) for number in pair] != [int, int]:
            raise _Other
        return size(*pair)
    return _whole(value)


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise _Other
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _Other
    return value


def _kind(value: Any) -> Kind:
    """What numbers of this type are in the language. Types that round differently are not known there."""
    name = value["dtype"] if isinstance(value, dict) and value.keys() == {"dtype"} else None
    if type(name) is not str:
        raise _Other
    if name not in _KINDS:
        raise not_supported(f"a conversion to {name!a:.24}")
    return _KINDS[name]


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "Scalar": _scalar,
    "float": lambda value: float(_number(value)),
    "int": _whole,
    "SymInt": _dimension,
    "bool": _flag,
    "str": _text,
    "ScalarType": _kind,
}


def _is_one_of(*allowed: Any) -> Callable[[Any], bool]:
    return lambda value: any(type(value) is type(a) and value == a for a in allowed)


_FORMATS = ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")
_WITHOUT_EFFECT: Mapping[str, Callable[[Any], bool]] = {
    "layout": _is_one_of(None, {"layout": "strided"}),
    "device": _is_one_of(None, {"device": "cpu"}),
    "pin_memory": _is_one_of(None, False),
    "memory_format": _is_one_of(None, *({"memory_format": name} for name in _FORMATS)),
    "generator": _is_one_of(None),
    "non_blocking": _is_one_of(False, True),
    "implicit": _is_one_of(False, True),
    "unroll_dim": lambda value: type(value) is int,
}
"""Parameters that change where or how an operator works, and not its result: what each may be."""
