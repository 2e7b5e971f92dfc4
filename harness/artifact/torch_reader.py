"""Audit of an exported PyTorch graph, and its translation into operations that both frameworks share."""

from __future__ import annotations

import re
from typing import Any

from harness.artifact.reading import (
    MAX_NODES,
    count_references,
    mapping,
    other_arguments,
    refuse,
    sequence,
    shown,
    unsupported,
)
from harness.artifact.torch_operators import KIND_OF, SIGNATURES, Signature
from harness.records.graph import INPUT, Operation, Window

_WORD = re.compile(r"[a-z0-9_]{1,24}")
_TEXT = re.compile(r"[A-Za-z0-9_]{0,32}")
_MAX_DEPTH = 6
_MAX_ARGUMENTS = 64
_MAX_ITEMS = 4096

_ARITHMETIC = set(
    """add add_ sub sub_ rsub mul mul_ div div_ pow clamp clamp_ clamp_min clamp_max where masked_fill masked_fill_
    fill_ full full_like new_full scalar_tensor lerp addcmul addcdiv""".split()
)
"""Operators that take numbers to compute with; those of the others are sizes, axes and settings."""


def audit_mode(mode: object, tensors: set[str]) -> dict[str, Any]:
    """One mode's graph, checked: known operators, arguments that refer backwards only. Raises ArtifactError."""
    content = mapping(mode, "a graph", {"nodes", "output"})
    nodes = sequence(content["nodes"], "the nodes of a graph", MAX_NODES)
    references = 0
    for index, node in enumerate(nodes):
        references = count_references(references + _audit_node(mapping(node, f"node {index}"), index, tensors))
    if not isinstance(content["output"], dict) or not _audit_argument(content["output"], len(nodes), tensors):
        raise refuse("one output", shown(content["output"], 40))
    return content


def _audit_node(node: dict[str, Any], index: int, tensors: set[str]) -> int:
    """How many references an operator's arguments hold."""
    if not {"op", "args", "kwargs"} <= set(node) <= {"op", "args", "kwargs", "no_grad"}:
        raise refuse(f"op, args and kwargs in node {index}", shown(sorted(node), 80))
    if not isinstance(node["op"], str):
        raise refuse(f"the name of an operator in node {index}", shown(node["op"], 40))
    signature = SIGNATURES.get(node["op"])
    if signature is None:
        raise unsupported(node["op"])
    if node.get("no_grad", True) is not True:
        raise refuse("no_grad to be true or absent", shown(node["no_grad"], 40))
    args = sequence(node["args"], "arguments", _MAX_ARGUMENTS)
    keywords = mapping(node["kwargs"], "keyword arguments")
    references = sum(_audit_argument(value, index, tensors) for value in (*args, *keywords.values()))
    if not _fits(signature, args, keywords) or not _has_kinds(packet(node), args):
        raise other_arguments(node["op"])
    return references


def _fits(signature: Signature, args: list[Any], keywords: dict[str, Any]) -> bool:
    """Whether an operator has as many arguments as it takes, and only the keywords that it takes."""
    return signature.least <= len(args) <= signature.most and (
        signature.required <= keywords.keys() <= signature.keywords
    )


_DATA = {
    "addmm": 3,
    "avg_pool2d": 1,
    "constant_pad_nd": 1,
    "convolution": 2,
    "max_pool2d_with_indices": 1,
    "mm": 2,
    "native_batch_norm": 1,
    "rrelu_with_noise": 2,
}
"""The number of tensor arguments, for operators of which more than the references is read."""


def _has_kinds(name: str, args: list[Any]) -> bool:
    """Whether the arguments that are read have the kinds that the operator takes."""
    data = args[: _DATA.get(name, name.endswith("_"))]
    if name == "native_batch_norm":
        return all(map(_is_tensor, data)) and all(map(_is_tensor_or_none, args[1:5])) and type(args[5]) is bool
    if name == "convolution":
        return all(map(_is_tensor, data)) and _is_tensor_or_none(args[2]) and not _references(args[3:])
    return all(map(_is_tensor, data))


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(("tensor", "node", "input"))


def _is_tensor_or_none(value: Any) -> bool:
    return value is None or _is_tensor(value)


def packet(node: dict[str, Any]) -> str:
    """The name of an allowed operator without namespace and overload."""
    name: str = node["op"].split(".")[1]
    return name


def _audit_argument(value: object, index: int, tensors: set[str], depth: int = 0) -> int:
    """How many references an argument holds. Arguments of node `index` are plain values, or name a tensor, the input
    or an earlier node."""
    if depth > _MAX_DEPTH:
        raise refuse("arguments nested at most six deep", "deeper ones")
    if isinstance(value, list):
        items = sequence(value, "a list argument", _MAX_ITEMS)
        return sum(_audit_argument(item, index, tensors, depth + 1) for item in items)
    if isinstance(value, dict):
        _audit_reference(value, index, tensors)
        return int(_is_tensor(value))
    if isinstance(value, str) and not _TEXT.fullmatch(value):
        raise refuse("arguments that are short words", shown(value, 40))
    if type(value) is int and abs(value) >= 1 << 62:
        raise refuse("numbers of 62 bits", "a larger one")
    return 0


def _audit_reference(value: dict[str, Any], index: int, tensors: set[str]) -> None:
    if len(value) != 1 or not _is_known(*next(iter(value.items())), index, tensors):
        raise refuse("arguments that name a known tensor, the input or an earlier node", shown(value, 80))


def _is_known(kind: str, content: Any, index: int, tensors: set[str]) -> bool:
    if kind == "tensor":
        return isinstance(content, str) and content in tensors
    if kind == "input":
        return type(content) is int and content == 0
    if kind == "node":
        return _is_pair(content) and 0 <= content[0] < index and 0 <= content[1] < 4096
    if kind == "batch":
        return _is_pair(content) and all(abs(number) < 1 << 31 for number in content)
    if kind == "float":
        return content in ("inf", "-inf", "nan")
    is_type = kind in ("dtype", "device", "layout", "memory_format")
    return is_type and isinstance(content, str) and _WORD.fullmatch(content) is not None


def _is_pair(content: object) -> bool:
    return isinstance(content, list) and len(content) == 2 and all(type(number) is int for number in content)


def translate(mode: dict[str, Any], labels: dict[str, str]) -> tuple[tuple[Operation, ...], str]:
    """The operations of an audited graph, and the name of its output. Operation `n3` is node 3."""
    operations = tuple(_translate(index, node, labels) for index, node in enumerate(mode["nodes"]))
    return operations, _reference(mode["output"])


def _translate(index: int, node: dict[str, Any], labels: dict[str, str]) -> Operation:
    try:
        return _operation(index, node, labels)
    except (LookupError, TypeError, ValueError):
        raise other_arguments(node["op"]) from None


def _operation(index: int, node: dict[str, Any], labels: dict[str, str]) -> Operation:
    name, args = packet(node), node["args"]
    inputs = tuple(_references([args, list(node["kwargs"].values())]))
    kind, window, groups = KIND_OF[name], None, 1
    if name == "addmm":
        inputs = (*inputs[1:3], inputs[0], *inputs[3:])
    if name == "convolution":
        kind, window, groups = _convolution(args)
    elif name in ("max_pool2d_with_indices", "avg_pool2d"):
        window = _pooling(args, has_dilation=name.startswith("max"))
    elif kind == "pad":
        window = _padding(*args[1:3])
    detail = name.strip("_") if kind == "other" else kind
    label = next((labels[i] for i in inputs if i in labels), "")
    return Operation(f"n{index}", detail, inputs, window, groups, label)


def _convolution(args: list[Any]) -> tuple[str, Window | None, int]:
    """Arguments of aten.convolution: input, weight, bias, stride, padding, dilation, transposed, a padding, groups."""
    stride, padding, dilation, transposed, groups = *args[3:7], args[8]
    if type(transposed) is not bool or type(groups) is not int or groups < 1:
        raise ValueError("not a convolution")
    if transposed:
        return "transposed_convolution", None, groups
    if len(stride) != 2:
        return "convolution", None, groups
    window = Window(kernel=(0, 0), stride=_pair(stride), padding=_both(padding), dilation=_pair(dilation))
    return "conv2d", window, groups


def _pooling(args: list[Any], has_dilation: bool) -> Window:
    """Arguments of a pooling: input, kernel, stride (the kernel when empty), padding, then dilation for max-pooling."""
    kernel = _pair(args[1])
    stride = _pair(args[2]) if len(args) > 2 and args[2] else kernel
    padding = _both(args[3]) if len(args) > 3 else (0, 0, 0, 0)
    dilation = _pair(args[4]) if has_dilation and len(args) > 4 else (1, 1)
    return Window(kernel, stride, padding, dilation)


def _padding(sides: list[int], value: Any = 0) -> Window | None:
    """Torch pads from the last axis backwards: left, right, top, bottom. Only zeros count as a window's padding."""
    if len(sides) != 4 or any(type(side) is not int for side in sides) or value != 0:
        return None
    return Window(kernel=(1, 1), padding=(sides[2], sides[3], sides[0], sides[1]))


def _pair(values: Any, least: int = 1) -> tuple[int, int]:
    """Height and width of a setting: one number for both, or two."""
    pair = values if isinstance(values, list) else [values]
    if len(pair) not in (1, 2) or any(type(number) is not int or number < least for number in pair):
        raise ValueError("not a setting of a window")
    return (pair[0], pair[-1])


def _both(values: Any) -> tuple[int, int, int, int]:
    vertical, horizontal = _pair(values, least=0)
    return (vertical, vertical, horizontal, horizontal)


def _references(value: Any) -> list[str]:
    """The names of what an argument, or all in a list, refers to, in order."""
    found: list[str] = []
    _collect(value, found)
    return found


def _collect(value: Any, found: list[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _collect(item, found)
    elif isinstance(value, dict) and _is_tensor(value):
        found.append(_reference(value))


def _reference(value: dict[str, Any]) -> str:
    if "tensor" in value:
        return str(value["tensor"])
    return INPUT if "input" in value else f"n{value['node'][0]}"


def updated_tensors(mode: dict[str, Any]) -> frozenset[str]:
    """Tensors that the training graph writes: targets of in-place operators, and running statistics."""
    targets = (value for node in mode["nodes"] for value in _targets(node))
    return frozenset(value["tensor"] for value in targets if value is not None and "tensor" in value)


def _targets(node: dict[str, Any]) -> list[Any]:
    """The arguments that an operator may write to."""
    name, args = packet(node), node["args"]
    if name == "native_batch_norm":
        return list(args[3:5])
    return args[1:2] if name == "rrelu_with_noise" else args[:1] if name.endswith("_") else []


_DRAWS = set("bernoulli bernoulli_ native_dropout rand rand_like randn randn_like normal_ uniform_".split())


def leaves_a_trace(node: dict[str, Any]) -> bool:
    """Whether an operator draws random numbers, or writes to a tensor of the model."""
    name, args = packet(node), node["args"]
    if name in _DRAWS or name == "rrelu_with_noise":
        return True
    if name == "native_batch_norm":
        return bool(args[5])
    return any("tensor" in value for value in _targets(node))


def used_tensors(mode: dict[str, Any]) -> frozenset[str]:
    """Tensors that the graph reads."""
    names = _references([[node["args"], list(node["kwargs"].values())] for node in mode["nodes"]])
    return frozenset(names) | {_reference(mode["output"])}


def literals(mode: dict[str, Any]) -> int:
    """How many numbers to compute with are in the graph itself."""
    numbers = (value for node in mode["nodes"] if packet(node) in _ARITHMETIC for value in node["args"])
    return sum(type(value) in (int, float) for value in numbers)
