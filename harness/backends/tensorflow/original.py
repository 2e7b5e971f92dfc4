"""Replays a TensorFlow graph as it was exported, in float64, to compare its translation with it.

A graph names its types: each float type becomes float64, those left to TensorFlow's defaults as well. Constants and the
settings of operators keep the numbers that they have in the graph.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.backends.base import Array, Arrays, Pass
from harness.backends.tensorflow.device import use_one_thread
from harness.backends.tensorflow.doubles import DOUBLES
from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.passes import differentiated
from harness.records.draw import Draw

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_TYPES = {"I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32",
          "U16": "uint16", "U8": "uint8", "BOOL": "bool"}  # fmt: skip
_SEEDED = {"RandomUniform", "RandomStandardNormal", "TruncatedNormal"}


class TensorFlowOriginal:
    """The training and the evaluation graph over one set of tensors.

    Only for a graph that was translated: its operators are looked up by name and take the arguments that it has.
    """

    def __init__(self, graph: bytes, weights: Arrays) -> None:
        self._graph: dict[str, Any] = json.loads(graph)
        self._weights = weights
        specs = self._graph["tensors"]
        self._tensors = {name: _held(weights[name], spec) for name, spec in specs.items()}
        self._trainable = {name: self._tensors[name] for name, spec in specs.items() if spec["trainable"]}

    def run(self, is_training: bool, images: Array, direction: Array | None, draws: Mapping[str, Draw]) -> Pass:
        """One pass from the same weights and the same random numbers each time."""
        mode = self._graph["train" if is_training else "eval"]
        replay = _Replay(self._tensors, tf.constant(images, tf.float64))
        outputs, gradients = differentiated(lambda: replay.run(mode), self._trainable, direction)
        drawn = {name: replay.results[draw.node][draw.position].numpy() for name, draw in draws.items()}
        return Pass(outputs, {**self._weights, **self._taken_back(mode)}, gradients, drawn)

    def _taken_back(self, mode: Mapping[str, Any]) -> dict[str, Array]:
        """What the pass wrote to tensors, which then are as they were before."""
        written = {node["args"][0]["tensor"] for node in mode["nodes"] if node["op"].startswith("Assign")}
        after = {name: _array(self._tensors[name]) for name in written}
        for name in written:
            self._tensors[name].assign(tf.cast(self._weights[name], self._tensors[name].dtype))
        return after


def _held(value: Array, spec: Mapping[str, Any]) -> Any:
    """A tensor as the graph reads it: a constant, or a variable."""
    dtype = _TYPES.get(spec["dtype"], "float64")
    return tf.constant(value, dtype) if spec["kind"] == "constant" else tf.Variable(value, dtype=dtype)


def _array(tensor: Any) -> Array:
    """As the weights are: float64, int64 or bool."""
    array: Array = tensor.numpy()
    return array.astype(np.int64) if array.dtype.kind in "iu" else array


class _Replay:
    """The results of the nodes so far."""

    def __init__(self, tensors: Mapping[str, Any], images: Any) -> None:
        self._tensors, self._images = tensors, images
        self.results: list[list[Any]] = []

    def run(self, mode: Mapping[str, Any]) -> Any:
        """The output, after each node in its order."""
        for index, node in enumerate(mode["nodes"]):
            result = self._computed(node, index)
            self.results.append(list(result) if isinstance(result, (list, tuple)) else [result])
        return self._read(mode["output"])

    def _computed(self, node: Mapping[str, Any], index: int) -> Any:
        name = node["op"]
        args = [self._read(arg) for arg in node["args"]]
        if args and isinstance(args[0], tf.Variable):
            args[0] = args[0].handle
        given = dict(zip(_parameters(name), args, strict=False)) | {k: _doubled(v) for k, v in node["attrs"].items()}
        given |= {k: tf.float64 for k, v in _parameters(name).items() if k not in given and v.default is tf.float32}
        given |= {"seed": 1, "seed2": index + 1} if name in _SEEDED else {}
        return DOUBLES.get(name, getattr(tf.raw_ops, name))(**given)

    def _read(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._read(item) for item in value]
        (kind, content), *_ = value.items()
        if kind == "node":
            return self.results[content[0]][content[1]]
        if kind == "const":
            return _constant(content)
        return self._tensors[content] if kind == "tensor" else self._images


def _constant(content: Mapping[str, Any]) -> Any:
    """A constant of the type it has in the graph, so rounded; a float is then made float64."""
    items = [float(item) if isinstance(item, str) else item for item in content["items"]]
    constant = tf.constant(items, content["dtype"], content["shape"])
    return tf.cast(constant, tf.float64) if content["dtype"] in _FLOATS else constant


def _doubled(value: Any) -> Any:
    """An attribute: types that are floats are float64."""
    if isinstance(value, dict):
        return "float64" if value["type"] in _FLOATS else value["type"]
    return value


@functools.cache
def _parameters(operator: str) -> Mapping[str, inspect.Parameter]:
    """The inputs and attributes of an operator in the order of its definition: inputs first."""
    return inspect.signature(getattr(tf.raw_ops, operator)).parameters


def original(graph: bytes, weights: Arrays) -> TensorFlowOriginal:
    """An exported graph, ready to be compared."""
    use_one_thread()
    return TensorFlowOriginal(graph, weights)
