"""Artifacts as large as the audit accepts, or a little larger, of the calls most likely to cause much work."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from harness.records.framework import Framework

Random = random.Random
Node = dict[str, Any]
Entry = dict[str, Any]
_SHAPE = [1, 1, 1, 1]
"""Of every tensor: filters that keep an image's shape, and numbers that broadcast with it."""
_SIZE = 4


def amplified(random: Random, framework: Framework) -> Entry:
    """An artifact in the form of the corpus: graph, labels, header of the weights and statement."""
    tensors = random.choice([1, 100, 5000])
    nodes = random.choice([300, 2000, 5000, 5000])
    grow = _torch if framework is Framework.TORCH else _tensorflow
    mode = grow(random, nodes, tensors)
    small = {"nodes": [_relu(framework)], "output": _node(0)}
    modes = random.choice(
        [(mode, small), (small, mode), (mode, mode)] if nodes < 5000 else [(mode, small), (small, mode)]
    )
    specs = {f"t{i}": {"kind": "parameter", "trainable": True, "shape": _SHAPE, "dtype": "F32"} for i in range(tensors)}
    form = [1, 28, 28] if framework is Framework.TORCH else [28, 28, 1]
    graph = {"format": 1, "framework": str(framework), "input": form, "tensors": specs}
    header = {
        f"t{i}": {"dtype": "F32", "shape": _SHAPE, "data_offsets": [i * _SIZE, (i + 1) * _SIZE]} for i in range(tensors)
    }
    labels = _labels(random, max(tensors, nodes))
    return {
        "framework": str(framework),
        "graph": {**graph, "eval": modes[0], "train": modes[1]},
        "labels": labels,
        "weights": header,
        "statement": {"problem": "", "entries": _claims(random, list(labels.values()))},
    }


def _labels(random: Random, count: int) -> dict[str, str]:
    """Names of the student: all the same, all different, ending alike, or of the same letters in another order."""
    letters = list("abcdefgh" * 9)
    how = random.randrange(4)
    named = {}
    for index in range(count):
        random.shuffle(letters) if how == 3 else None
        text = ["conv.weight", f"layer{index}.weight", f"l{index}.conv", "".join(letters) + ".w"][how]
        named[f"{random.choice('tn')}{index}"] = text
    return named


def _claims(random: Random, labels: list[str]) -> list[list[Any]]:
    """As many claims as allowed, about existing layers, about all, or about names close to existing ones."""
    own = [label.rpartition(".")[0] for label in random.sample(labels, min(8, len(labels)))]
    names = random.choice(
        [["total", "Total", "TOTAL"], own, [name[::-1] for name in own], [name + "x" for name in own]]
    )
    return [[random.choice(names), random.choice([0, 1, 156, 900, 61_706, 10**12 - 1])] for _ in range(64)]


def _node(index: int) -> dict[str, Any]:
    return {"node": [index, 0]} if index >= 0 else {"input": 0}


def _relu(framework: Framework) -> Node:
    args = [{"input": 0}]
    if framework is Framework.TORCH:
        return {"op": "aten.relu.default", "args": args, "kwargs": {}}
    return {"op": "Relu", "args": args, "attrs": {}}


# --- PyTorch


def _aten(name: str, *args: Any) -> Node:
    return {"op": f"aten.{name}", "args": list(args), "kwargs": {}}


def _nested(values: list[Any]) -> list[Any]:
    return [[[[[values]]]]]


_TORCH: list[Callable[[Any, Any, list[Any]], Node]] = [
    lambda data, weight, _: _aten("convolution.default", data, weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
    lambda data, weight, _: _aten("addmm.default", weight, data, weight),
    lambda data, weight, _: _aten("add.Tensor", data, weight),
    lambda data, weight, _: _aten("mul.Tensor", weight, weight),
    lambda data, _, many: _aten("cat.default", many),
    lambda data, _, many: _aten("index.Tensor", data, _nested(many)),
    lambda data, *_: _aten("_softmax.default", data, 1, False),
    lambda data, *_: _aten("max_pool2d_with_indices.default", data, [1, 1], [1, 1]),
    lambda data, *_: _aten("slice.Tensor", data, 2, 0, 1 << 31),
    lambda data, *_: _aten("mul_.Tensor", data, 1.5),
    lambda data, *_: _aten("sum.dim_IntList", data, [2, 3], True),
    lambda data, *_: _aten("relu_.default", data),
    lambda data, *_: _aten("mul.Tensor", data, 0.5),
    lambda data, *_: _aten("view.default", data, [{"batch": [1, 0]}, 10]),
    lambda data, *_: _aten("constant_pad_nd.default", data, [1, 1, 1, 1]),
    lambda data, weight, _: _aten("native_batch_norm.default", data, weight, weight, weight, weight, False, 0.1, 1e-5),
    lambda data, weight, many: _aten("stack.default", [weight, *many]),
    lambda data, weight, _: _aten("embedding.default", weight, data),
    lambda data, weight, _: _aten("mm.default", data, weight),
    lambda data, *_: _aten("transpose.int", data, 1, 2),
]


def _torch(random: Random, count: int, tensors: int) -> dict[str, Any]:
    """A chain of a few kinds of calls, each on the one before, on a weight, or on many results."""
    palette = random.sample(_TORCH, random.randint(1, 3))
    width = random.choice([1, 3, 4, 60, 4096])
    nodes: list[Node] = []
    for index in range(count):
        many = (
            [_node(random.randrange(-1, index)) for _ in range(width)] if (index + 1) * width < 20_500 else [_node(-1)]
        )
        weight = random.choice([{"tensor": f"t{index % tensors}"}, _node(index - 1)])
        nodes.append(random.choice(palette)(_node(index - 1), weight, many))
    return {"nodes": nodes, "output": _node(count - 1)}


# --- TensorFlow


def _call(op: str, *args: Any, **attributes: Any) -> Node:
    return {"op": op, "args": list(args), "attrs": attributes}


_ONE = {"const": {"dtype": "int32", "shape": [2], "items": [2, 2]}}
_FOUR = [1, 1, 1, 1]
_TENSORFLOW: list[Callable[[Any, Any, list[Any]], Node]] = [
    lambda data, weight, _: _call("Conv2D", data, weight, strides=_FOUR, padding="SAME"),
    lambda data, weight, _: _call("MatMul", data, weight),
    lambda data, weight, _: _call("AddV2", data, weight),
    lambda data, weight, _: _call("AddV2", weight, data),
    lambda data, weight, _: _call("Mul", data, weight),
    lambda data, weight, _: _call("Mul", weight, data),
    lambda data, *_: _call("Rsqrt", data),
    lambda data, weight, _: _call("DepthwiseConv2dNative", data, weight, strides=_FOUR, padding="SAME"),
    lambda data, weight, _: _call("Conv2DBackpropInput", _ONE, weight, data, strides=_FOUR, padding="SAME"),
    lambda data, weight, _: _call("GatherV2", weight, data, _ONE),
    lambda data, weight, _: _call("FusedBatchNormV3", data, weight, weight, weight, weight),
    lambda data, *_: _call("Relu", data),
    lambda data, *_: _call("Softmax", data),
    lambda data, *_: _call("Shape", data),
    lambda data, *_: _call("SpaceToBatchND", data, _ONE, _ONE),
    lambda data, *_: _call("BatchToSpaceND", data, _ONE, _ONE),
    lambda data, *_: _call("MaxPool", data, ksize=_FOUR, strides=_FOUR, padding="VALID"),
    lambda data, _, many: _call("AddN", many),
    lambda data, _, many: _call("ConcatV2", many, _ONE),
    lambda data, _, many: _call("Pack", [data, *many, {"const": {"dtype": "float32", "shape": [], "items": [0.5]}}]),
]


def _tensorflow(random: Random, count: int, tensors: int) -> dict[str, Any]:
    """A chain as for PyTorch; or normalizations after or inside each other, which require a search."""
    palette = random.sample(_TENSORFLOW, random.randint(1, 4))
    if random.random() < 0.4:
        palette = _TENSORFLOW[2:7]
    width, reach = random.choice([1, 3, 4, 60, 255]), random.choice([1, 2, 4, 40])
    reads = min(tensors, 50)
    nodes = [_call("ReadVariableOp", {"tensor": f"t{index}"}, dtype={"type": "float32"}) for index in range(reads)]
    for index in range(reads, count):
        many = (
            [_node(random.randrange(-1, index)) for _ in range(width)] if (index + 1) * width < 20_500 else [_node(-1)]
        )
        near = _node(max(reads, index - random.randint(1, reach)) if index > reads else -1)
        weight = random.choice([_node(index % reads), near, near])
        before = _node(index - 1) if index > reads else _node(-1)
        nodes.append(random.choice(palette)(before, weight, many))
    return {"nodes": nodes, "output": _node(count - 1)}
