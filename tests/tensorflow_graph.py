"""A TensorFlow graph written by hand, changed in one place, and its audit: no framework is imported."""

import copy
import json
import math
import struct
from typing import Any

import pytest

from harness.artifact.audit import audit
from harness.records.artifact import Artifact
from harness.records.errors import ArtifactError
from harness.records.framework import Framework

IMAGE = {"input": 0}
SHAPES = {"t0": [5, 5, 1, 6], "t1": [6], "t2": [1176, 10], "t3": [10], "t4": [10], "t5": [6], "t6": [6]}
LABELS = {"t0": "c1/kernel", "t2": "fc/kernel", "n1": "c1", "n4": "pool"}


def node(index: int, output: int = 0) -> dict[str, Any]:
    return {"node": [index, output]}


def tensor(name: str) -> dict[str, Any]:
    return {"tensor": name}


def const(dtype: str, shape: list[int], *items: object) -> dict[str, Any]:
    return {"const": {"dtype": dtype, "shape": shape, "items": list(items)}}


def ints(*items: int) -> dict[str, Any]:
    return const("int32", [len(items)], *items)


def call(op: str, *args: object, **attrs: object) -> dict[str, Any]:
    return {"op": op, "args": list(args), "attrs": attrs}


def read(name: str) -> dict[str, Any]:
    return call("ReadVariableOp", tensor(name), dtype={"type": "float32"})


def averaged(name: str, batch: dict[str, Any], first: int) -> list[dict[str, Any]]:
    """A statistic of the batch averaged in a variable, as Keras writes it, with the numbers of its nodes from `first`
    on."""
    return [
        read(name),
        call("Mul", node(first), const("float32", [], 0.75)),
        call("Mul", batch, const("float32", [], 0.25)),
        call("AddV2", node(first + 1), node(first + 2)),
        call("AssignVariableOp", tensor(name), node(first + 3)),
    ]


def small_net() -> dict[str, Any]:
    """Convolution, bias, ReLU, max-pooling, flatten, dense, bias, softmax; training also averages the batch's statistics in t5 and
    t6."""
    nodes = [
        read("t0"),
        call("Conv2D", IMAGE, node(0), strides=[1, 1, 1, 1], padding="SAME"),
        read("t1"),
        call("BiasAdd", node(1), node(2)),
        call("MaxPool", node(3), ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID"),
        call("Shape", node(4)),
        call("StridedSlice", node(5), ints(0), ints(1), ints(1), shrink_axis_mask=1),
        call("Pack", [node(6), const("int32", [], 1176)]),
        call("Reshape", node(4), node(7)),
        read("t2"),
        call("MatMul", node(8), node(9)),
        read("t3"),
        call("AddV2", node(10), node(11)),
        call("Mul", node(12), tensor("t4")),
        call("Softmax", node(13)),
    ]
    training = [
        *nodes,
        call("FusedBatchNormV3", node(3), *[node(2)] * 4),
        *averaged("t5", node(15, 1), 16),
        *averaged("t6", node(15, 2), 21),
    ]
    kinds = dict.fromkeys(SHAPES, "parameter") | {"t4": "constant", "t5": "buffer", "t6": "buffer"}
    specs = {
        name: {"kind": kind, "trainable": kind == "parameter", "shape": SHAPES[name], "dtype": "F32"}
        for name, kind in kinds.items()
    }
    return copy.deepcopy(
        {
            "format": 1,
            "framework": "tensorflow",
            "input": [28, 28, 1],
            "tensors": specs,
            "train": {"nodes": training, "output": node(14)},
            "eval": {"nodes": nodes, "output": node(14)},
        }
    )


def weights() -> bytes:
    header, position = {}, 0
    for name, shape in SHAPES.items():
        end = position + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [position, end]}
        position = end
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(position)


WEIGHTS = weights()


def artifact(graph: object) -> Artifact:
    text, labels = json.dumps(graph).encode(), json.dumps(LABELS).encode()
    return Artifact(Framework.TENSORFLOW, text, labels, (WEIGHTS,), "Net()")


def refusal(graph: object) -> ArtifactError:
    with pytest.raises(ArtifactError) as caught:
        audit(artifact(graph))
    return caught.value


def changed(path: str, value: object) -> dict[str, Any]:
    """The small net with the value at a path like `eval.nodes.1.args` replaced, or added."""
    graph = small_net()
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = graph
    for part in parents:
        place = place[part]
    if isinstance(place, list) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return graph
