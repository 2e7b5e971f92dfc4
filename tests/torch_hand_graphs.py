"""A small raw PyTorch graph written by hand: its tensors, its translation, and what that computes."""

import numpy as np
import pytest
from torch_graph import node

from harness.artifact.torch.translator import translate
from harness.language.interpreter import run
from harness.records.errors import ArtifactError
from harness.records.graph import Tensor, TensorKind

SHAPE = (2, 4, 4)
BATCH = {"batch": [1, 0]}
IMAGES = np.random.default_rng(0).random((3, *SHAPE))


def parameter(name, *shape):
    return Tensor(name, TensorKind.PARAMETER, True, shape, "F32")


def buffer(name, *shape, dtype="F32"):
    return Tensor(name, TensorKind.BUFFER, False, shape, dtype)


TENSORS = {
    tensor.name: tensor
    for tensor in (
        parameter("t0", 4),
        parameter("t1", 2),
        buffer("t2", 2),
        buffer("t3", 2),
        buffer("t4", dtype="I64"),
        buffer("t5", 3, dtype="I64"),
        buffer("t6", 4, 4, dtype="U8"),
        parameter("t7", 3, 4),
        parameter("t8", 3),
        buffer("t9", 4, dtype="BOOL"),
    )
}
VALUES = {
    "t0": np.arange(4.0),
    "t1": np.array([2.0, -1.0]),
    "t2": np.array([0.5, 0.25]),
    "t3": np.array([1.0, 2.0]),
    "t4": np.array(7),
    "t5": np.array([1, 0, 1]),
    "t6": np.arange(16).reshape(4, 4),
    "t7": np.arange(12.0).reshape(3, 4),
    "t8": np.array([1.0, 0.0, -1.0]),
    "t9": np.array([True, False, True, False]),
}


def translated(*nodes, output=None, shape=SHAPE):
    mode = {"nodes": list(nodes), "output": node(len(nodes) - 1) if output is None else output}
    return translate(mode, TENSORS, shape, is_training=True)


def operators(*nodes, output=None):
    return [n.operator for n in translated(*nodes, output=output).graph.nodes]


def computed(*nodes, output=None, draws=None):
    return run(translated(*nodes, output=output).graph, VALUES, IMAGES, draws).output


def refused(*nodes, output=None):
    with pytest.raises(ArtifactError) as caught:
        translated(*nodes, output=output)
    return caught.value
