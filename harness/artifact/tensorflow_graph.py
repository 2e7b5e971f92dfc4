"""Audit of an exported TensorFlow graph, and its translation into operations that both frameworks share.

A mode is `{"nodes": [...], "output": reference}`. A node is `{"op", "args", "attrs"}`: the operator's name, its inputs in
the order of the operator's definition (a list for an input that takes several), and the attributes that differ from
their defaults. A reference is `{"input": 0}`, `{"node": [number, output]}`, `{"tensor": name}` or a small constant
`{"const": {"dtype", "shape", "items"}}`. A variable is read and written by operators that name it as their first input.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from harness.artifact.reading import mapping, refuse, sequence, shape, unsupported
from harness.records import INPUT, Operation, Window

MAX_NODES = 5000
MAX_CONSTANT = 16
MAX_INLINE = 8192
_MAX_ITEMS = 256
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_TEXT = re.compile(r"[A-Za-z0-9_,.>\- ]{0,64}")
_FLOATS = {"float16", "bfloat16", "float32", "float64"}
TYPES = _FLOATS | {"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}
"""Data types that a graph may compute with; resources, variants and text are not among them."""

KINDS = {
    "conv2d": "Conv2D",
    "depthwise_conv2d": "DepthwiseConv2dNative",
    "transposed_convolution": "Conv2DBackpropInput",
    "matmul": "MatMul BatchMatMulV2 Einsum",
    "max_pool": "MaxPool",
    "avg_pool": "AvgPool",
    "pad": "Pad PadV2 MirrorPad",
    "add": "Add AddV2 BiasAdd",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "normalisation": "FusedBatchNormV3 LRN",
    "embedding": "ResourceGather",
    "activation": "Relu Relu6 Elu Selu LeakyRelu Softplus Softsign Tanh Sigmoid",
    "identity": "ReadVariableOp Cast StopGradient",
    "reshape": "Reshape Squeeze ExpandDims BroadcastTo",
    "transpose": "Transpose",
    "shape": "Shape Size Rank",
    "random": """StatelessRandomUniformV2 StatelessRandomNormalV2 StatelessTruncatedNormalV2 StatelessRandomUniformIntV2
        StatelessRandomGetKeyCounter StatelessRandomGetAlg RandomUniform RandomStandardNormal TruncatedNormal
        Fill ZerosLike OnesLike Range""",
    "update": "AssignVariableOp AssignAddVariableOp AssignSubVariableOp",
    "other": """AddN Sub Mul RealDiv Div DivNoNan Neg Abs Pow Square SquaredDifference Sqrt Rsqrt Exp Expm1 Log Log1p
        Reciprocal Inv Maximum Minimum ClipByValue Sum Mean Max Min Prod All Any EuclideanNorm Cumsum Erf Erfc Sin Cos
        Tan Asin Acos Atan Atan2 Sinh Cosh Sign Floor Ceil Round Rint FloorDiv FloorMod Select SelectV2 Greater
        GreaterEqual Less LessEqual Equal NotEqual LogicalAnd LogicalOr LogicalNot IsFinite IsNan ArgMax ArgMin Concat
        ConcatV2 Split SplitV Pack Unpack StridedSlice Slice GatherV2 GatherNd ReverseV2 Roll Tile OneHot MatrixBandPart
        L2Loss TopKV2 SpaceToBatchND BatchToSpaceND SpaceToDepth DepthToSpace ExtractImagePatches BroadcastArgs
        ResizeBilinear ResizeNearestNeighbor ResizeBicubic ImageProjectiveTransformV3 AdjustContrastv2""",
}
"""The allow-list: every TensorFlow operator a graph may call, by the kind of operation it is."""

_KIND_OF = {name: kind for kind, names in KINDS.items() for name in names.split()}
_SHARED_NAMES = {"concatv2": "cat", "concat": "cat", "pack": "stack", "unpack": "unbind", "realdiv": "div", "max": "amax"}
_ON_VARIABLES = {"ReadVariableOp", "ResourceGather", *KINDS["update"].split()}


def audit_mode(mode: object, tensors: set[str]) -> dict[str, Any]:
    """One mode's graph, checked: known operators, arguments that refer backwards only. Raises ArtifactError."""
    content = mapping(mode, "a graph", {"nodes", "output"})
    nodes = sequence(content["nodes"], "the nodes of a graph", MAX_NODES)
    inline = 0
    for index, node in enumerate(nodes):
        _audit_node(mapping(node, f"node {index}", {"op", "args", "attrs"}), index, tensors)
        inline += sum(len(constant["items"]) for constant in _references(node["args"], "const"))
    if inline > MAX_INLINE:
        raise refuse(f"at most {MAX_INLINE:,} numbers outside of the weights", f"{inline:,}")
    if not isinstance(content["output"], dict) or "const" in content["output"]:
        raise refuse("one output", "none")
    _audit_argument(content["output"], len(nodes), tensors)
    both = _variables(content) & _constants(content)
    if both:
        raise refuse("tensors that are variables or constants", f"{ascii(min(both))[:20]} used as both")
    return content


def _audit_node(node: dict[str, Any], index: int, tensors: set[str]) -> None:
    if not isinstance(node["op"], str) or node["op"] not in _KIND_OF:
        raise unsupported(str(node["op"]))
    for value in sequence(node["args"], "arguments", 16):
        items = sequence(value, "a list of inputs", _MAX_ITEMS) if isinstance(value, list) else [value]
        for item in items:
            _audit_argument(item, index, tensors)
    for name, value in mapping(node["attrs"], "attributes").items():
        if not _WORD.fullmatch(name):
            raise refuse("plain attribute names", ascii(name)[:40])
        _audit_attribute(value)
    if node["op"] in _ON_VARIABLES and not (node["args"] and isinstance(node["args"][0], dict) and "tensor" in node["args"][0]):
        raise refuse(f"a variable as the first input of {node['op']}", "none")


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
        if kind == "node" and isinstance(content, list) and len(content) == 2:
            if all(type(number) is int for number in content) and 0 <= content[0] < index and 0 <= content[1] < 4096:
                return None
    raise refuse("arguments that name a known tensor, the input or an earlier node", ascii(value)[:80])


def _audit_constant(value: object) -> None:
    """A constant of a few numbers; more than one number of a float type belongs to the weights, where it is counted."""
    content = mapping(value, "a constant", {"dtype", "shape", "items"})
    if content["dtype"] not in TYPES:
        raise refuse("a constant of numbers", ascii(content["dtype"])[:40])
    is_float = content["dtype"] in _FLOATS
    items = sequence(content["items"], "a constant", 1 if is_float else MAX_CONSTANT)
    if math.prod(shape(content["shape"], "a constant")) != len(items):
        raise refuse("a constant as large as its shape", f"{len(items)} numbers")
    for item in items:
        if not (_is_number(item) if is_float else isinstance(item, int) and _is_number(item)):
            if not (is_float and item in ("inf", "-inf", "nan")):
                raise refuse("a constant of numbers", ascii(item)[:40])


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and abs(value) < 1 << 64


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
        raise refuse("attributes that are numbers, short words or data types", ascii(value)[:80])


def translate(mode: dict[str, Any], labels: dict[str, str]) -> tuple[tuple[Operation, ...], str]:
    """The operations of an audited graph, and the name of its output. Operation `n3` is node 3.

    Operators that only compute shapes are left out; a normalisation that is spelled out in arithmetic is one operation.
    """
    nodes = mode["nodes"]
    weights = _names_of_weights(nodes)
    shapes = _names_of_shapes(nodes)
    sources, inside = _normalisations(mode)
    operations: list[Operation] = []
    for index, node in enumerate(nodes):
        name = f"n{index}"
        if index in inside or name in shapes or _KIND_OF[node["op"]] == "update":
            continue
        operation = _operation(name, node, labels, weights)
        if index in sources:
            read = dict.fromkeys(_names(sources[index][1], "tensor"))
            inputs = (_name(sources[index][0]), *read)
            operation = Operation(name, "normalisation", inputs, label=operation.label)
        operations.append(operation)
    return tuple(operations), _name(mode["output"])


def _operation(name: str, node: dict[str, Any], labels: dict[str, str], weights: set[str]) -> Operation:
    operator, args = node["op"], node["args"]
    if operator == "Conv2DBackpropInput":
        args = [args[2], args[1]]
    inputs = sorted(_names(args), key=lambda source: source in weights)
    kind = _KIND_OF[operator]
    if kind == "matmul" and inputs[-1] in weights and inputs[0] not in weights:
        kind = "dense"
    elif operator == "GatherV2" and any(source in weights for source in _names(args[0])):
        kind = "embedding"
    elif kind == "other":
        lower = operator.lower()
        kind = _SHARED_NAMES.get(lower, lower.removesuffix("v2"))
    label = labels.get(name) or next((labels[source] for source in inputs if source in labels), "")
    return Operation(name, kind, tuple(inputs), _window(node), label=label)


def _window(node: dict[str, Any]) -> Window | None:
    operator, attributes = node["op"], node["attrs"]
    if operator in ("Conv2D", "DepthwiseConv2dNative", "MaxPool", "AvgPool"):
        stride = _spatial(attributes["strides"], attributes)
        dilation = _spatial(attributes.get("dilations", [1, 1, 1, 1]), attributes)
        kernel = _spatial(attributes["ksize"], attributes) if operator.endswith("Pool") else (0, 0)
        same, padding = attributes["padding"] == "SAME", (0, 0, 0, 0)
        if attributes["padding"] == "EXPLICIT":
            sides = attributes["explicit_paddings"]
            first = 4 if attributes.get("data_format") == "NCHW" else 2
            padding = (sides[first], sides[first + 1], sides[first + 2], sides[first + 3])
        return Window(kernel, stride, padding, dilation, same)
    if _KIND_OF[operator] == "pad":
        return _padding(node["args"][1].get("const"))
    return None


def _spatial(values: Any, attributes: dict[str, Any]) -> tuple[int, int]:
    """Height and width of an attribute with four entries."""
    first = 2 if attributes.get("data_format") == "NCHW" else 1
    height, width = values[first], values[first + 1]
    if len(values) != 4 or type(height) is not int or type(width) is not int or min(height, width) < 1:
        raise ValueError("not a window")
    return height, width


def _padding(constant: dict[str, Any] | None) -> Window | None:
    """The window of an explicit padding of axes 1 and 2 (channels last), which is how Keras pads."""
    if constant is None or constant["shape"] != [4, 2]:
        return None
    top, bottom, left, right = constant["items"][2:6]
    return Window(kernel=(1, 1), padding=(top, bottom, left, right))


def _names_of_weights(nodes: list[dict[str, Any]]) -> set[str]:
    """Names of tensors, and of the nodes that are computed from tensors alone."""
    found = {name for node in nodes for name in _names(node["args"], "tensor")}
    for index, node in enumerate(nodes):
        names = _names(node["args"])
        if names and found.issuperset(names):
            found.add(f"n{index}")
    return found


def _names_of_shapes(nodes: list[dict[str, Any]]) -> set[str]:
    """Names of the nodes that compute with nothing but shapes."""
    found: set[str] = set()
    for index, node in enumerate(nodes):
        names, kind = _names(node["args"]), _KIND_OF[node["op"]]
        if kind == "shape" or (names and found.issuperset(names) and kind != "random"):
            found.add(f"n{index}")
    return found


def _normalisations(mode: dict[str, Any]) -> tuple[dict[int, tuple[dict[str, Any], list[Any]]], set[int]]:
    """Normalisations that Keras spells out: by their last node, its data and all arguments; and the nodes inside."""
    nodes = mode["nodes"]
    uses = Counter(_names([[node["args"] for node in nodes], mode["output"]]))
    found: dict[int, tuple[dict[str, Any], list[Any]]] = {}
    inside: set[int] = set()
    for index in range(len(nodes)):
        data = _normalised(nodes, index)
        region = _region(nodes, index, data) if data is not None else set()
        own = Counter(_names([nodes[i]["args"] for i in region]))
        if data is not None and all(own[f"n{i}"] == uses[f"n{i}"] for i in region - {index}):
            found[index] = (data, [nodes[i]["args"] for i in sorted(region)])
            inside |= region - {index}
    return found, inside


def _normalised(nodes: list[dict[str, Any]], index: int) -> dict[str, Any] | None:
    """x of `x * scale + (offset - mean * scale)`, where scale is 1 / sqrt(...), with a factor or without."""

    def made_by(reference: Any, *operators: str) -> list[Any] | None:
        node = nodes[reference["node"][0]] if isinstance(reference, dict) and "node" in reference else None
        return node["args"] if node is not None and node["op"] in operators and node["args"] else None

    total = made_by({"node": [index, 0]}, "AddV2")
    product = made_by(total[0], "Mul") if total else None
    offset = made_by(total[-1], "Sub", "Neg") if total else None
    shift = made_by(offset[-1], "Mul") if offset else None
    if product is None or shift is None or product[-1] != shift[-1]:
        return None
    factors = made_by(product[-1], "Mul") or [product[-1]]
    if made_by(factors[0], "Rsqrt") is None:
        return None
    data: dict[str, Any] = product[0]
    return data


def _region(nodes: list[dict[str, Any]], last: int, data: dict[str, Any]) -> set[int]:
    """Every node between `data` and node `last`, and those that feed them from weights."""
    waiting, region = [last], set[int]()
    while waiting:
        index = waiting.pop()
        if index not in region:
            region.add(index)
            sources = [r for r in _references(nodes[index]["args"], "node") if {"node": r} != data]
            waiting += [number for number, _ in sources]
    return region


def updated_tensors(mode: dict[str, Any]) -> frozenset[str]:
    """Tensors that the graph writes: moving statistics, and the states of random generators."""
    writing = [node["args"][0] for node in mode["nodes"] if _KIND_OF[node["op"]] == "update"]
    return frozenset(_names(writing, "tensor"))


def used_tensors(mode: dict[str, Any]) -> frozenset[str]:
    """Tensors that the graph reads."""
    reading = [node["args"] for node in mode["nodes"] if _KIND_OF[node["op"]] != "update"]
    writing = [node["args"][1:] for node in mode["nodes"] if _KIND_OF[node["op"]] == "update"]
    return frozenset(_names([reading, writing, mode["output"]], "tensor"))


def _variables(mode: dict[str, Any]) -> set[str]:
    return set(_names([node["args"][0] for node in mode["nodes"] if node["op"] in _ON_VARIABLES], "tensor"))


def _constants(mode: dict[str, Any]) -> set[str]:
    values = [node["args"][node["op"] in _ON_VARIABLES :] for node in mode["nodes"]]
    return set(_names([values, mode["output"]], "tensor"))


def _references(value: Any, *kinds: str) -> Iterator[Any]:
    """What references of these kinds hold, in order, inside nested lists of arguments."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item, *kinds)
    else:
        yield from (value[kind] for kind in kinds if kind in value)


def _names(value: Any, *kinds: str) -> list[str]:
    """The names that references inside `value` stand for: of tensors, earlier operations and the input."""
    if isinstance(value, list):
        return [name for item in value for name in _names(item, *kinds)]
    return [_name(value)] if set(value) & set(kinds or ("tensor", "node", "input")) else []


def _name(reference: dict[str, Any]) -> str:
    if "tensor" in reference:
        return str(reference["tensor"])
    return INPUT if "input" in reference else f"n{reference['node'][0]}"
