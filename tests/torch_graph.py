"""A PyTorch graph written by hand, changed in one place, and its audit: nothing of PyTorch is imported."""

import json
import math
import struct
from typing import Any

import pytest

from harness.artifact.audit import audit
from harness.records.artifact import Artifact
from harness.records.errors import ArtifactError
from harness.records.framework import Framework

INPUT_REF = {"input": 0}
SHAPES = {
    "t0": [6, 1, 5, 5],
    "t1": [6],
    "t2": [10, 1176],
    "t3": [10],
    "t4": [6],
    "t5": [6],
}
LABELS = {"t0": "conv.weight", "t1": "conv.bias", "t2": "fc.weight", "t3": "fc.bias"}


def call(op: str, *args: object, **kwargs: object) -> dict[str, Any]:
    return {"op": f"aten.{op}", "args": list(args), "kwargs": kwargs}


def node(index: int, position: int = 0) -> dict[str, Any]:
    return {"node": [index, position]}


def tensor(name: str) -> dict[str, Any]:
    return {"tensor": name}


def small_net() -> dict[str, Any]:
    """Convolution, ReLU, max-pooling, flatten, dense, softmax; training also averages the batch's statistics in t4 and t5."""
    nodes = [
        call("convolution.default", INPUT_REF, tensor("t0"), tensor("t1"), [1, 1], [2, 2], [1, 1], False, [0, 0], 1),
        call("relu.default", node(0)),
        call("max_pool2d_with_indices.default", node(1), [2, 2], [2, 2], [0, 0], [1, 1], False),
        call("view.default", node(2), [{"batch": [1, 0]}, 1176]),
        call("t.default", tensor("t2")),
        call("addmm.default", tensor("t3"), node(3), node(4)),
        call("_softmax.default", node(5), 1, False),
    ]
    kinds = dict.fromkeys(SHAPES, "parameter") | {"t4": "buffer", "t5": "buffer"}
    tensors = {
        name: {"kind": kinds[name], "trainable": kinds[name] == "parameter", "shape": shape, "dtype": "F32"}
        for name, shape in SHAPES.items()
    }
    statistics = [tensor("t1"), tensor("t1"), tensor("t4"), tensor("t5")]
    training = [*nodes, call("native_batch_norm.default", node(0), *statistics, True, 0.125, 1e-5)]
    graph = {
        "format": 1,
        "framework": "torch",
        "input": [1, 28, 28],
        "tensors": tensors,
        "train": {"nodes": training, "output": node(6)},
        "eval": {"nodes": nodes, "output": node(6)},
    }
    return json.loads(json.dumps(graph))


def weights(shapes: dict[str, list[int]]) -> bytes:
    header, position = {}, 0
    for name, shape in shapes.items():
        end = position + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [position, end]}
        position = end
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(position)


WEIGHTS = weights(SHAPES)


def artifact(graph: object, blobs: tuple[bytes, ...] = (WEIGHTS, WEIGHTS), labels: object = LABELS) -> Artifact:
    graph_bytes = graph if isinstance(graph, bytes) else json.dumps(graph).encode()
    label_bytes = labels if isinstance(labels, bytes) else json.dumps(labels).encode()
    return Artifact(Framework.TORCH, graph_bytes, label_bytes, blobs, "Net()")


def refusal(*arguments: Any) -> ArtifactError:
    with pytest.raises(ArtifactError) as caught:
        audit(artifact(*arguments))
    return caught.value


def changed(graph: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The graph with the value at a path like `eval.nodes.0.args` replaced, or added."""
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = graph
    for part in parents:
        place = place[part]
    if isinstance(place, list) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return graph


ARGUMENTS = "operators called with the arguments they take"
