"""Reads an exported TensorFlow graph, which is untrusted: sizes, references and constants are checked here, operators
and their attributes where they are translated.

A mode is `{"nodes": [...], "output": reference}`. A node is `{"op", "args", "attrs"}`: the operator's name, its inputs
in the order of the operator's definition (a list for an input that takes several), and the attributes that differ
from their defaults. A reference is `{"input": 0}`, `{"node": [number, output]}`, `{"tensor": name}` or a small
constant `{"const": {"dtype", "shape", "items"}}`. A variable is read and written by operators that name it as their
first input.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.artifact.reading import MAX_NODES, count_references, mapping, sequence, shape, shown, unknown_operator
from harness.language.refusals import invalid
from harness.records.graph import Shape

MAX_INLINE = 8192
"""Numbers in all constants of a mode."""
_MAX_CONSTANT = 16
_MAX_ARGUMENTS = 16
_MAX_ITEMS = 256
_MAX_OUTPUTS = 256
_LARGEST = 1 << 128
"""No float32 is larger."""
_TEXT = re.compile(r"[A-Za-z0-9_,.>\- ]{0,64}")
FLOATS = ("float16", "bfloat16", "float32", "float64")
TYPES = (*FLOATS, "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
"""Data types that a graph may compute with; resources, variants and text are not among them."""


@dataclass(frozen=True)
class Image:
    """The images."""


@dataclass(frozen=True)
class Held:
    """A tensor of the model, or the variable that holds it."""

    name: str


@dataclass(frozen=True)
class Result:
    """One of the results of an earlier node."""

    node: int
    position: int = 0


@dataclass(frozen=True)
class Literal:
    """A small constant."""

    dtype: str
    shape: Shape
    items: tuple[bool | int | float, ...]


Reference = Image | Held | Result | Literal
Argument = Reference | tuple[Reference, ...]


@dataclass(frozen=True)
class RawNode:
    """One operator as TensorFlow has it. A tuple among the arguments is an input that takes several."""

    operator: str
    arguments: tuple[Argument, ...]
    attributes: Mapping[str, Any]

    @property
    def references(self) -> Iterator[Reference]:
        """All references, those in lists as well."""
        for argument in self.arguments:
            if isinstance(argument, tuple):
                yield from argument
            else:
                yield argument


@dataclass(frozen=True)
class RawGraph:
    """One mode of a model. Each node refers to earlier ones only."""

    nodes: tuple[RawNode, ...]
    output: Reference

    @cached_property
    def uses(self) -> Counter[Reference]:
        """How often each result is referred to."""
        every = (reference for node in self.nodes for reference in node.references)
        return Counter(reference for reference in (*every, self.output) if isinstance(reference, Result))

    def made_by(self, reference: Argument, *operators: str) -> RawNode | None:
        """The node that a reference is the first result of, if it is one of these operators."""
        if isinstance(reference, Result) and reference.position == 0:
            node = self.nodes[reference.node]
            return node if node.operator in operators else None
        return None


def read_mode(mode: object, tensors: Collection[str], operators: Collection[str]) -> RawGraph:
    """One mode's graph. Raises ArtifactError for what no exporter of ours could have written, and for an operator that
    is none of these."""
    content = mapping(mode, "a graph", {"nodes", "output"})
    nodes: list[RawNode] = []
    references = inline = 0
    for index, item in enumerate(sequence(content["nodes"], "the nodes of a graph", MAX_NODES)):
        nodes.append(_node(item, index, tensors, operators))
        found = list(nodes[-1].references)
        references = count_references(references + len(found))
        inline += sum(len(reference.items) for reference in found if isinstance(reference, Literal))
        if inline > MAX_INLINE:
            raise invalid(f"at most {MAX_INLINE:,} numbers outside the weights", "more")
    output = _reference(content["output"], len(nodes), tensors)
    if isinstance(output, Literal):
        raise invalid("one output", "a constant")
    return RawGraph(tuple(nodes), output)


def _node(item: object, index: int, tensors: Collection[str], operators: Collection[str]) -> RawNode:
    node = mapping(item, f"node {index}", {"op", "args", "attrs"})
    if not isinstance(node["op"], str):
        raise invalid(f"the name of an operator in node {index}", shown(node["op"], 40))
    if node["op"] not in operators:
        raise unknown_operator(node["op"])
    arguments = [
        _several(value, index, tensors) if isinstance(value, list) else _reference(value, index, tensors)
        for value in sequence(node["args"], "arguments", _MAX_ARGUMENTS)
    ]
    attributes = mapping(node["attrs"], "attributes")
    if len(attributes) > _MAX_ARGUMENTS:
        raise invalid(f"at most {_MAX_ARGUMENTS} attributes", f"{len(attributes):,}")
    return RawNode(node["op"], tuple(arguments), {name: _attribute(value) for name, value in attributes.items()})


def _several(values: list[Any], index: int, tensors: Collection[str]) -> tuple[Reference, ...]:
    items = sequence(values, "a list of inputs", _MAX_ITEMS)
    if not items:
        raise invalid("at least one input", "none")
    return tuple(_reference(value, index, tensors) for value in items)


def _reference(value: object, index: int, tensors: Collection[str]) -> Reference:
    """A small constant, a tensor, the images or a node before node `index`."""
    reference = mapping(value, "an argument")
    if len(reference) == 1:
        ((kind, content),) = reference.items()
        if kind == "const":
            return _literal(content)
        if kind == "tensor" and isinstance(content, str) and content in tensors:
            return Held(content)
        if kind == "input" and type(content) is int and content == 0:
            return Image()
        if kind == "node" and isinstance(content, list) and [type(number) for number in content] == [int, int]:
            node, output = content
            if 0 <= node < index and 0 <= output < _MAX_OUTPUTS:
                return Result(node, output)
    raise invalid("arguments that name a known tensor, the input or an earlier node", shown(value, 80))


def _literal(value: object) -> Literal:
    """A constant of a few numbers; more than one number of a float type belongs to the weights, where it is counted."""
    content = mapping(value, "a constant", {"dtype", "shape", "items"})
    if content["dtype"] not in TYPES:
        raise invalid("a constant of numbers", shown(content["dtype"], 40))
    is_float = content["dtype"] in FLOATS
    items = sequence(content["items"], "a constant", 1 if is_float else _MAX_CONSTANT)
    dimensions = shape(content["shape"], "a constant")
    if math.prod(dimensions) != len(items):
        raise invalid("a constant as large as its shape", f"{len(items)} numbers")
    return Literal(content["dtype"], dimensions, tuple(_number(item, is_float) for item in items))


def _number(item: object, is_float: bool) -> bool | int | float:
    if is_float and item in ("inf", "-inf", "nan"):
        return float(str(item))
    if not _is_number(item, (int, float) if is_float else int):
        raise invalid("a constant of numbers", shown(item, 40))
    return float(item) if is_float else item  # type: ignore[arg-type,return-value]  # _is_number says so


def _is_number(value: object, kinds: type | tuple[type, ...] = (int, float)) -> bool:
    return isinstance(value, kinds) and isinstance(value, (int, float)) and abs(value) < _LARGEST


def _attribute(value: object) -> Any:
    """Lists are tuples, and a data type is its name."""
    if isinstance(value, list):
        items = sequence(value, "an attribute", _MAX_ITEMS)
        if all(_is_number(item) for item in items):
            return tuple(items)
    elif isinstance(value, dict):
        if set(value) == {"type"} and value["type"] in TYPES:
            return value["type"]
    elif (isinstance(value, str) and _TEXT.fullmatch(value)) or _is_number(value):
        return value
    raise invalid("attributes that are numbers, short words or data types", shown(value, 80))
