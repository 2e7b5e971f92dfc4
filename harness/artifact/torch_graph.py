"""Audit of an exported PyTorch graph, and its translation into operations that both frameworks share."""

from __future__ import annotations

import re
from typing import Any

from harness.artifact.reading import mapping, refuse, sequence, shown, unsupported
from harness.records import INPUT, Operation, Window

MAX_NODES = 5000
_OPERATOR = re.compile(r"aten\.([a-z0-9_]{1,60})\.([A-Za-z0-9_]{1,40})")
_WORD = re.compile(r"[a-z0-9_]{1,24}")
_MAX_DEPTH = 6

KINDS = {
    "conv": "convolution",
    "dense": "addmm mm",
    "matmul": "bmm baddbmm mv dot _scaled_dot_product_flash_attention_for_cpu",
    "max_pool": "max_pool2d_with_indices _adaptive_max_pool2d adaptive_max_pool2d",
    "avg_pool": "avg_pool2d avg_pool3d _adaptive_avg_pool2d adaptive_avg_pool2d",
    "pad": "constant_pad_nd",
    "add": "add add_",
    "softmax": "_softmax _safe_softmax",
    "log_softmax": "_log_softmax",
    "normalisation": "native_batch_norm native_layer_norm native_group_norm _fused_rms_norm",
    "embedding": "embedding",
    "activation": """relu relu_ tanh tanh_ sigmoid sigmoid_ gelu gelu_ silu silu_ mish mish_ elu elu_ leaky_relu
        leaky_relu_ hardtanh hardtanh_ hardswish hardswish_ hardsigmoid hardsigmoid_ softplus selu selu_ celu celu_
        threshold log_sigmoid_forward rrelu_with_noise softshrink hardshrink""",
    "identity": "clone detach detach_ alias lift_fresh lift_fresh_copy contiguous _to_copy",
    "reshape": """view _unsafe_view reshape _reshape_alias squeeze squeeze_ unsqueeze unsqueeze_ expand flatten
        unflatten""",
    "transpose": "t transpose transpose_ permute",
    "random": """bernoulli_ bernoulli native_dropout rand rand_like randn randn_like normal_ uniform_
        empty empty_like new_empty zeros zeros_like new_zeros ones ones_like new_ones full full_like new_full
        scalar_tensor arange""",
    "other": """cat stack split split_with_sizes chunk slice select narrow index index_select unbind
        unsafe_split unsafe_chunk affine_grid_generator grid_sampler_2d grid_sampler gather constant_pad mul mul_
        div div_ sub sub_ rsub neg neg_ abs pow square sqrt rsqrt exp exp_ log log1p reciprocal clamp clamp_
        clamp_min clamp_min_ clamp_max mean sum amax amin max min maximum minimum var std var_mean prod cumsum erf sin
        cos where eq ne lt le gt ge logical_not logical_and logical_or masked_fill masked_fill_ tril triu roll flip
        repeat sign floor ceil round _prelu_kernel glu copy_ fill_ zero_ addcmul addcdiv lerp
        upsample_nearest2d upsample_bilinear2d im2col col2im pixel_shuffle pixel_unshuffle
        reflection_pad2d replication_pad2d linalg_vector_norm _weight_norm_interface _trilinear _cdist_forward
        _euclidean_dist rot90 channel_shuffle native_channel_shuffle max_unpool2d argmax argmin topk tan atan expm1""",
}
"""The allow-list: every ATen operator a graph may call, by the kind of operation it is."""

_ARITHMETIC = set(
    """add add_ sub sub_ rsub mul mul_ div div_ pow clamp clamp_ clamp_min clamp_max where masked_fill masked_fill_
    fill_ full full_like new_full scalar_tensor lerp addcmul addcdiv""".split()
)
"""Operators that take numbers to compute with; those of the others are sizes, axes and settings."""

_KIND_OF = {name: kind for kind, names in KINDS.items() for name in names.split()}


def audit_mode(mode: object, tensors: set[str]) -> dict[str, Any]:
    """One mode's graph, checked: known operators, arguments that refer backwards only. Raises ArtifactError."""
    content = mapping(mode, "a graph", {"nodes", "output"})
    nodes = sequence(content["nodes"], "the nodes of a graph", MAX_NODES)
    for index, node in enumerate(nodes):
        _audit_node(mapping(node, f"node {index}"), index, tensors)
    _audit_argument(content["output"], len(nodes), tensors)
    if not _references(content["output"]) or isinstance(content["output"], list):
        raise refuse("one output", shown(content["output"], 40))
    return content


def _audit_node(node: dict[str, Any], index: int, tensors: set[str]) -> None:
    if not {"op", "args", "kwargs"} <= set(node) <= {"op", "args", "kwargs", "no_grad"}:
        raise refuse(f"op, args and kwargs in node {index}", shown(sorted(node), 80))
    if not isinstance(node["op"], str):
        raise refuse(f"the name of an operator in node {index}", shown(node["op"], 40))
    if packet(node) not in _KIND_OF:
        raise unsupported(node["op"])
    if node.get("no_grad", True) is not True:
        raise refuse("no_grad to be true or absent", shown(node["no_grad"], 40))
    for value in sequence(node["args"], "arguments", 64):
        _audit_argument(value, index, tensors)
    for name, value in mapping(node["kwargs"], "keyword arguments").items():
        if not _WORD.fullmatch(name):
            raise refuse("plain keyword names", shown(name, 40))
        _audit_argument(value, index, tensors)


def packet(node: dict[str, Any]) -> str:
    """The operator's name without namespace and overload; empty when it is not an ATen operator."""
    match = _OPERATOR.fullmatch(node["op"])
    return match[1] if match else ""


def _audit_argument(value: object, index: int, tensors: set[str], depth: int = 0) -> None:
    """Arguments of node `index` are plain values, or name a tensor, the input or an earlier node."""
    if depth > _MAX_DEPTH:
        raise refuse("arguments nested at most six deep", "deeper ones")
    if value is None or isinstance(value, (bool, float)):
        return
    if isinstance(value, int):
        if abs(value) >= 1 << 62:
            raise refuse("numbers of 62 bits", "a larger one")
    elif isinstance(value, str):
        if len(value) > 32:
            raise refuse("short text arguments", f"{len(value)} characters")
    elif isinstance(value, list):
        for item in sequence(value, "a list argument", 4096):
            _audit_argument(item, index, tensors, depth + 1)
    else:
        _audit_reference(mapping(value, "an argument"), index, tensors)


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
        raise refuse("operators called with the arguments they take", f"other arguments of {node['op']}") from None


def _operation(index: int, node: dict[str, Any], labels: dict[str, str]) -> Operation:
    name, args = packet(node), node["args"]
    inputs = tuple(_references([args, list(node["kwargs"].values())]))
    kind, window, groups = _KIND_OF[name], None, 1
    if name == "addmm":
        inputs = (*inputs[1:3], inputs[0])
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
    """Torch pads from the last axis backwards: left, right, top, bottom. Only zeros are the padding of a window."""
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
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    if isinstance(value, dict) and set(value) & {"tensor", "node", "input"}:
        return [_reference(value)]
    return []


def _reference(value: dict[str, Any]) -> str:
    if "tensor" in value:
        return str(value["tensor"])
    return INPUT if "input" in value else f"n{value['node'][0]}"


def updated_tensors(mode: dict[str, Any]) -> frozenset[str]:
    """Tensors that the training graph writes: targets of in-place operators, and running statistics."""
    written: set[str] = set()
    for node in mode["nodes"]:
        name, args = packet(node), node["args"]
        targets = args[3:5] if name == "native_batch_norm" else args[:1] if name.endswith("_") else []
        written |= {value["tensor"] for value in targets if isinstance(value, dict) and "tensor" in value}
    return frozenset(written)


_DRAWS = set("bernoulli bernoulli_ native_dropout rand rand_like randn randn_like normal_ uniform_".split())


def leaves_a_trace(node: dict[str, Any]) -> bool:
    """Whether an operator draws random numbers, or writes to a tensor of the model."""
    name, args = packet(node), node["args"]
    if name in _DRAWS or name == "rrelu_with_noise":
        return True
    is_training = name == "native_batch_norm" and args[5] is not False
    return is_training or (name.endswith("_") and isinstance(args[0], dict) and "tensor" in args[0])


def used_tensors(mode: dict[str, Any]) -> frozenset[str]:
    """Tensors that the graph reads."""
    names = _references([[node["args"], list(node["kwargs"].values())] for node in mode["nodes"]])
    return frozenset(names) | {_reference(mode["output"])}


def literals(mode: dict[str, Any]) -> int:
    """How many numbers to compute with stand in the graph itself."""
    numbers = (value for node in mode["nodes"] if packet(node) in _ARITHMETIC for value in node["args"])
    return sum(type(value) in (int, float) for value in numbers)
