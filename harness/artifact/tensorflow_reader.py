"""Audit of an exported TensorFlow graph, and its translation into operations that both frameworks share.

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
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from harness.artifact.reading import (
    MAX_NODES,
    count_references,
    mapping,
    other_arguments,
    refuse,
    sequence,
    shape,
    shown,
    unsupported,
)
from harness.artifact.tensorflow_operators import KIND_OF, KINDS, SIGNATURES, Signature
from harness.records.graph import INPUT, Operation, Window

MAX_CONSTANT = 16
MAX_INLINE = 8192
_MAX_ARGUMENTS = 16
_MAX_ITEMS = 256
_MAX_OUTPUTS = 256
_MAX_NORMALIZATION = 48
_TEXT = re.compile(r"[A-Za-z0-9_,.>\- ]{0,64}")
_FLOATS = ("float16", "bfloat16", "float32", "float64")
TYPES = (*_FLOATS, "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
"""Data types that a graph may compute with; resources, variants and text are not among them."""

_SHARED_NAMES = {
    "ConcatV2": "cat",
    "GatherV2": "index_select",
    "Max": "amax",
    "Pack": "stack",
    "RealDiv": "div",
    "ResizeBilinear": "upsample_bilinear2d",
    "ResizeNearestNeighbor": "upsample_nearest2d",
    "ReverseV2": "flip",
    "SelectV2": "where",
    "StridedSlice": "slice",
    "Tile": "repeat",
    "Unpack": "unbind",
}
"""The PyTorch graph's names for the same operations, where they differ from the operator's."""
_WRITES = set(KINDS["update"].split())
_ON_VARIABLES = {"ReadVariableOp", "ResourceGather", *_WRITES}
_NORMALIZE = set("ReadVariableOp Cast Reshape Mean SquaredDifference StopGradient AddV2 Sub Neg Mul Rsqrt".split())

_Merged = tuple[Operation, set[int]]


def audit_mode(mode: object, tensors: set[str]) -> dict[str, Any]:
    """One mode's graph, checked: known operators, arguments that refer backwards only. Raises ArtifactError."""
    content = mapping(mode, "a graph", {"nodes", "output"})
    nodes = sequence(content["nodes"], "the nodes of a graph", MAX_NODES)
    inline = references = 0
    for index, node in enumerate(nodes):
        arguments = _audit_node(mapping(node, f"node {index}", {"op", "args", "attrs"}), index, tensors)
        references = count_references(references + len(arguments))
        inline += sum(len(argument["const"]["items"]) for argument in arguments if "const" in argument)
    if inline > MAX_INLINE:
        raise refuse(f"at most {MAX_INLINE:,} numbers outside the weights", f"{inline:,}")
    if not isinstance(content["output"], dict) or "const" in content["output"]:
        raise refuse("one output", "none")
    _audit_argument(content["output"], len(nodes), tensors)
    both = _variables(content) & _constants(content)
    if both:
        raise refuse("tensors that are variables or constants", f"{min(both)} used as both")
    dead = set(range(len(nodes))) - _live(content)
    if dead:
        raise refuse("nodes that the output or a write to a variable needs", f"node {min(dead)}, which nothing needs")
    return content


def _live(mode: dict[str, Any]) -> set[int]:
    nodes = mode["nodes"]
    live = {index for index, node in enumerate(nodes) if node["op"] in _WRITES}
    live |= {index for index, _ in _references(mode["output"], "node")}
    for index in range(len(nodes) - 1, -1, -1):
        if index in live:
            live |= {source for source, _ in _references(nodes[index]["args"], "node")}
    return live


def _audit_node(node: dict[str, Any], index: int, tensors: set[str]) -> list[dict[str, Any]]:
    """Every argument of an audited node, including those in lists."""
    if not isinstance(node["op"], str):
        raise refuse(f"the name of an operator in node {index}", shown(node["op"], 40))
    signature = SIGNATURES.get(node["op"])
    if signature is None:
        raise unsupported(node["op"])
    arguments: list[Any] = []
    for value in sequence(node["args"], "arguments", _MAX_ARGUMENTS):
        arguments += sequence(value, "a list of inputs", _MAX_ITEMS) if isinstance(value, list) else [value]
    for argument in arguments:
        _audit_argument(argument, index, tensors)
    for value in mapping(node["attrs"], "attributes").values():
        _audit_attribute(value)
    if not _fits(signature, node["args"], node["attrs"]):
        raise other_arguments(node["op"])
    if node["op"] in _ON_VARIABLES and "tensor" not in node["args"][0]:
        raise refuse(f"a variable as the first input of {node['op']}", "none")
    return arguments


def _fits(signature: Signature, args: list[Any], attributes: dict[str, Any]) -> bool:
    """Whether an operator has the inputs that it takes, lists where it takes lists, and attributes that it has."""
    inputs = tuple(isinstance(value, list) for value in args)
    return (
        inputs == signature.inputs
        and [] not in args
        and signature.required <= attributes.keys() <= signature.attributes
    )


def _audit_argument(value: object, index: int, tensors: set[str]) -> None:
    """Arguments of node `index` are small constants, or name a tensor, the input or an earlier node."""
    reference = mapping(value, "an argument")
    if len(reference) == 1:
        ((kind, content),) = reference.items()
        if kind == "const":
            return _audit_constant(content)
        if kind == "tensor" and isinstance(content, str) and content in tensors:
            return None
        if kind == "input" and type(content) is int and content == 0:
            return None
        if kind == "node" and isinstance(content, list) and [type(number) for number in content] == [int, int]:
            node, output = content
            if 0 <= node < index and 0 <= output < _MAX_OUTPUTS:
                return None
    raise refuse("arguments that name a known tensor, the input or an earlier node", shown(value, 80))


def _audit_constant(value: object) -> None:
    """A constant of a few numbers; more than one number of a float type belongs to the weights, where it is counted."""
    content = mapping(value, "a constant", {"dtype", "shape", "items"})
    if content["dtype"] not in TYPES:
        raise refuse("a constant of numbers", shown(content["dtype"], 40))
    is_float = content["dtype"] in _FLOATS
    items = sequence(content["items"], "a constant", 1 if is_float else MAX_CONSTANT)
    if math.prod(shape(content["shape"], "a constant")) != len(items):
        raise refuse("a constant as large as its shape", f"{len(items)} numbers")
    for item in items:
        is_plain = _is_number(item) or item in ("inf", "-inf", "nan") if is_float else _is_number(item, int)
        if not is_plain:
            raise refuse("a constant of numbers", shown(item, 40))


def _is_number(value: object, kinds: type | tuple[type, ...] = (int, float)) -> bool:
    return isinstance(value, kinds) and isinstance(value, (int, float)) and abs(value) < 1 << 64


def _audit_attribute(value: object) -> None:
    if isinstance(value, list):
        plain = all(_is_number(item) for item in sequence(value, "an attribute", _MAX_ITEMS))
    elif isinstance(value, str):
        plain = _TEXT.fullmatch(value) is not None
    elif isinstance(value, dict):
        plain = set(value) == {"type"} and value["type"] in TYPES
    else:
        plain = _is_number(value)
    if not plain:
        raise refuse("attributes that are numbers, short words or data types", shown(value, 80))


def translate(mode: dict[str, Any], labels: dict[str, str]) -> tuple[tuple[Operation, ...], str]:
    """The operations of an audited graph, and the name of its output. Operation `n3` is node 3.

    Operators that only compute shapes are left out. What Keras expresses with several operators (a normalization, a
    dilated convolution) is one operation, named after the last of them.
    """
    nodes = mode["nodes"]
    inputs = [_names(node["args"]) for node in nodes]
    weights = _names_of_weights(nodes, inputs)
    shapes = _names_of_shapes(nodes, inputs)
    merged = _normalizations(mode, inputs) | _dilated_convolutions(mode)
    inside = {index for last, (_, region) in merged.items() for index in region if index != last}
    operations: list[Operation] = []
    for index, node in enumerate(nodes):
        name = f"n{index}"
        if index in merged:
            operations.append(replace(merged[index][0], label=labels.get(name, "")))
        elif index not in inside and name not in shapes and node["op"] not in _WRITES:
            operations.append(_translate(name, node, labels, weights))
    return tuple(operations), _name(mode["output"])


def _translate(name: str, node: dict[str, Any], labels: dict[str, str], weights: set[str]) -> Operation:
    try:
        return _operation(name, node, labels, weights)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise other_arguments(node["op"]) from None


def _operation(name: str, node: dict[str, Any], labels: dict[str, str], weights: set[str]) -> Operation:
    operator, args = node["op"], node["args"]
    if operator == "Conv2DBackpropInput":
        args = [args[2], args[1]]
    inputs = sorted(_names(args), key=lambda source: source in weights)
    kind = KIND_OF[operator]
    if kind == "matmul" and inputs[-1] in weights and inputs[0] not in weights:
        kind = "dense"
    elif operator == "GatherV2" and any(source in weights for source in _names(args[0])):
        kind = "embedding"
    elif kind == "other":
        kind = _SHARED_NAMES.get(operator, operator.lower())
    return Operation(name, kind, tuple(inputs), _window(node), label=labels.get(name, ""))


def _window(node: dict[str, Any]) -> Window | None:
    operator, args, attributes = node["op"], node["args"], node["attrs"]
    if operator in ("Pad", "PadV2"):
        return _padding(*args[1:])
    if operator not in ("Conv2D", "DepthwiseConv2dNative", "MaxPool", "AvgPool"):
        return None
    axis = 2 if attributes.get("data_format") == "NCHW" else 1
    kernel = _pair(attributes["ksize"], axis) if operator.endswith("Pool") else (0, 0)
    stride = _pair(attributes["strides"], axis)
    dilation = _pair(attributes.get("dilations", [1, 1, 1, 1]), axis)
    if attributes["padding"] not in ("SAME", "VALID", "EXPLICIT"):
        raise ValueError("not a padding")
    if attributes["padding"] != "EXPLICIT":
        return Window(kernel, stride, dilation=dilation, same=attributes["padding"] == "SAME")
    sides = attributes["explicit_paddings"]
    (top, left), (bottom, right) = _pair(sides[::2], axis, least=0), _pair(sides[1::2], axis, least=0)
    return Window(kernel, stride, (top, bottom, left, right), dilation)


def _pair(values: Any, axis: int, least: int = 1) -> tuple[int, int]:
    """Height and width among four settings."""
    if len(values) != 4 or any(type(value) is not int or value < least for value in values):
        raise ValueError("not a setting of a window")
    return values[axis], values[axis + 1]


def _padding(sides: dict[str, Any], value: dict[str, Any] | None = None) -> Window | None:
    """The window of zeros around images with their channels last, which is how Keras pads; None for another padding."""
    zeros = value is None or value.get("const", {}).get("items") == [0]
    sizes = sides.get("const", {}).get("items", [])
    if not zeros or len(sizes) != 8 or min(sizes) < 0 or any(sizes[:2] + sizes[6:]):
        return None
    return Window(kernel=(1, 1), padding=(sizes[2], sizes[3], sizes[4], sizes[5]))


def _names_of_weights(nodes: list[dict[str, Any]], inputs: list[list[str]]) -> set[str]:
    """Names of tensors, and of the nodes that are computed from tensors alone."""
    found = {name for node in nodes for name in _names(node["args"], "tensor")}
    for index, names in enumerate(inputs):
        if names and found.issuperset(names):
            found.add(f"n{index}")
    return found


def _names_of_shapes(nodes: list[dict[str, Any]], inputs: list[list[str]]) -> set[str]:
    """Names of the nodes that compute with nothing but shapes."""
    found: set[str] = set()
    for index, names in enumerate(inputs):
        kind = KIND_OF[nodes[index]["op"]]
        if kind == "shape" or (names and found.issuperset(names) and kind != "random"):
            found.add(f"n{index}")
    return found


def _normalizations(mode: dict[str, Any], inputs: list[list[str]]) -> dict[int, _Merged]:
    """Normalizations expressed as `x * scale + offset`, where scale is 1 / sqrt(...) and both are made of it."""
    nodes = mode["nodes"]
    uses = Counter(chain(*inputs, _names(mode["output"])))
    found: dict[int, _Merged] = {}
    for index, node in enumerate(nodes):
        product = _made_by(nodes, node["args"][:1], "Mul") if node["op"] == "AddV2" else None
        if product is None or not _names(product[0]) or not _is_inverse_root(nodes, product[1]):
            continue
        region = _region(nodes, index, product[0])
        own = Counter(chain(*(inputs[i] for i in region)))
        is_closed = all(own[f"n{i}"] == uses[f"n{i}"] for i in region - {index})
        if region and is_closed and own[_name(product[1])] > 1:
            tensors = dict.fromkeys(_names([nodes[i]["args"] for i in sorted(region)], "tensor"))
            found[index] = Operation(f"n{index}", "normalization", (_name(product[0]), *tensors)), region
    return found


def _is_inverse_root(nodes: list[dict[str, Any]], reference: dict[str, Any]) -> bool:
    factors = _made_by(nodes, [reference], "Mul") or [reference]
    return any(_made_by(nodes, [factor], "Rsqrt") for factor in factors)


def _dilated_convolutions(mode: dict[str, Any]) -> dict[int, _Merged]:
    """Convolutions whose dilation Keras writes as a convolution of every second (or third) pixel."""
    nodes = mode["nodes"]
    found: dict[int, _Merged] = {}
    for index, node in enumerate(nodes):
        convolution = _made_by(nodes, node["args"][:1], "Conv2D") if node["op"] == "BatchToSpaceND" else None
        apart = _made_by(nodes, convolution[:1], "SpaceToBatchND") if convolution else None
        steps = [step for constant in _references(apart[1:2], "const") for step in constant["items"]] if apart else []
        if convolution and apart and _names(apart[0]) and len(steps) == 2 and min(steps) > 0:
            inputs = (_name(apart[0]), _name(convolution[1]))
            window = Window(kernel=(0, 0), dilation=(steps[0], steps[1]), same=True)
            inside = {node["args"][0]["node"][0], convolution[0]["node"][0]}
            found[index] = Operation(f"n{index}", "conv2d", inputs, window), inside
    return found


def _made_by(nodes: list[dict[str, Any]], references: list[Any], operator: str) -> list[Any] | None:
    """The arguments of the node that the first of these references names, if it is of this operator."""
    sources = [nodes[number] for number, _ in _references(references[:1], "node")]
    return next((node["args"] for node in sources if node["op"] == operator), None)


def _region(nodes: list[dict[str, Any]], last: int, data: dict[str, Any]) -> set[int]:
    """Every node between `data` and node `last`, and those that feed them from weights. Empty if one of them cannot
    belong to a normalization, which has at most two inputs, or if they are too many: so this takes no time."""
    waiting, region = [last], set[int]()
    while waiting:
        index = waiting.pop()
        if index not in region:
            region.add(index)
            if nodes[index]["op"] not in _NORMALIZE or len(region) > _MAX_NORMALIZATION:
                return set()
            waiting += [r[0] for r in _references(nodes[index]["args"], "node") if {"node": r} != data]
    return region


def updated_tensors(mode: dict[str, Any]) -> frozenset[str]:
    """Tensors that the graph writes: moving statistics, and the states of random generators."""
    writing = [node["args"][0] for node in mode["nodes"] if node["op"] in _WRITES]
    return frozenset(_names(writing, "tensor"))


def leaves_a_trace(node: dict[str, Any]) -> bool:
    """Whether an operator draws random numbers, or writes to a variable."""
    return node["op"] in _WRITES or "Random" in node["op"] or node["op"].endswith(("Normal", "NormalV2"))


def used_tensors(mode: dict[str, Any]) -> frozenset[str]:
    """Tensors that the graph reads."""
    reading = [node["args"] for node in mode["nodes"] if node["op"] not in _WRITES]
    writing = [node["args"][1:] for node in mode["nodes"] if node["op"] in _WRITES]
    return frozenset(_names([reading, writing, mode["output"]], "tensor"))


def literals(mode: dict[str, Any]) -> int:
    """How many numbers to compute with are in the graph itself: fractions, and integers that become fractions."""
    every = ((node["op"], constant) for node in mode["nodes"] for constant in _references(node["args"], "const"))
    return sum(len(c["items"]) for op, c in every if op == "Cast" or c["dtype"] in _FLOATS)


def _variables(mode: dict[str, Any]) -> set[str]:
    return set(_names([node["args"][0] for node in mode["nodes"] if node["op"] in _ON_VARIABLES], "tensor"))


def _constants(mode: dict[str, Any]) -> set[str]:
    values = [node["args"][1:] if node["op"] in _ON_VARIABLES else node["args"] for node in mode["nodes"]]
    return set(_names([values, mode["output"]], "tensor"))


def _references(value: Any, kind: str) -> Iterator[Any]:
    """The values of references of this kind, in order, inside nested lists of arguments."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item, kind)
    elif kind in value:
        yield value[kind]


def _names(value: Any, *kinds: str) -> list[str]:
    """The names that references inside `value` refer to: of tensors, earlier operations and the input."""
    if isinstance(value, list):
        return [name for item in value for name in _names(item, *kinds)]
    return [_name(value)] if set(value) & set(kinds or ("tensor", "node", "input")) else []


def _name(reference: dict[str, Any]) -> str:
    if "tensor" in reference:
        return str(reference["tensor"])
    return INPUT if "input" in reference else f"n{reference['node'][0]}"
