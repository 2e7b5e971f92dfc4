"""A graph of the language as JSON, and back: reading checks each node against the table again."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.language.attributes import Flag, Wholes
from harness.language.builder import Builder
from harness.language.checking import checked
from harness.language.dependence import updates
from harness.language.graph import Constant, Graph, Kind, ModelGraph, Value
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import MAX_SIZE, Size, size
from harness.records.framework import Framework
from harness.records.graph import Shape, Tensor, TensorKind


def written(graph: Graph) -> dict[str, Any]:
    """A graph as plain data, in one way only: equal graphs give equal text."""
    return {
        "nodes": [
            [node.operator, list(node.inputs), {k: _plain(v) for k, v in sorted(node.attributes.items())}]
            for node in graph.nodes
        ],
        "constants": [_constant(constant) for constant in graph.constants],
        "output": graph.output,
    }


def canonical(content: Any) -> bytes:
    """JSON with sorted names and without spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _constant(constant: Constant) -> dict[str, Any]:
    array = constant.array
    kind = {"f": Kind.FLOAT, "i": Kind.INT, "b": Kind.BOOL}[array.dtype.kind]
    return {"kind": kind.value, "shape": list(array.shape), "items": [_plain(i) for i in array.ravel().tolist()]}


def _plain(value: Any) -> Any:
    if isinstance(value, Size):
        return {"N": [value.images, value.more]}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return _special(value)
    return tuple(_read(item) for item in value) if isinstance(value, list) else value


def _special(value: dict[str, Any]) -> Any:
    (kind, content), *more = value.items() or [("", None)]
    if not more and kind == "float" and content in ("inf", "-inf", "nan"):
        return float(content)
    if not more and kind == "N" and isinstance(content, list) and [type(i) for i in content] == [int, int]:
        return size(*content)
    raise invalid("numbers, words and sizes", f"{value!a:.60}")


def read(content: Any, input_shape: Shape, tensors: Sequence[Tensor]) -> Graph:
    """The graph that `written` gave. Raises ArtifactError for anything that it could not have given."""
    build = Builder(input_shape, tensors)
    try:
        for constant in content["constants"]:
            _read_constant(build, constant)
        for operator, inputs, attributes in content["nodes"]:
            _read_node(build, operator, inputs, attributes)
        output = build.values[content["output"]]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise invalid("a graph in the harness's language", "something else") from None
    graph = build.finish(output).graph
    if written(graph) != content:
        raise invalid("a graph in its one form", "another form of it")
    return graph


def _read_constant(build: Builder, content: dict[str, Any]) -> None:
    items = [_read(item) for item in content["items"]]
    build.constant(np.array(items).reshape(content["shape"]), Kind(content["kind"]))


def _read_node(build: Builder, operator: str, inputs: Sequence[str], attributes: dict[str, Any]) -> Value:
    values = tuple(build.values[name] for name in inputs)
    read_attributes, shape, kind = checked(operator, values, {k: _read(v) for k, v in attributes.items()})
    return build.write(operator, values, read_attributes, shape, kind)


FORMAT = 2


def model_text(model: ModelGraph) -> bytes:
    """A model as canonical JSON, without labels. Its SHA-256 is the fingerprint: equal text, equal computation."""
    specs = {
        t.name: {"kind": t.kind, "trainable": t.trainable, "shape": list(t.shape), "dtype": t.dtype}
        for t in model.tensors
    }
    graphs = {"training": written(model.training), "evaluation": written(model.evaluation)}
    head = {"format": FORMAT, "framework": model.framework.value, "input": list(model.input_shape), "tensors": specs}
    return canonical(head | graphs)


def read_model(text: bytes) -> ModelGraph:
    """The model that `model_text` gave. Raises ArtifactError for anything that it could not have given."""
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise invalid(f"a graph of format {FORMAT}", f"{content['format']!a:.20}")
        tensors = [_tensor(name, spec) for name, spec in content["tensors"].items()]
        shape, framework = _shape(content["input"]), Framework(content["framework"])
        graphs = [read(content[mode], shape, tensors) for mode in ("training", "evaluation")]
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise invalid("a model in the harness's language", "something else") from None
    model = assembled(framework, shape, tensors, *graphs)
    if model.fingerprint != _digest(text):
        raise invalid("a model in its one form", "another form of it")
    return model


def _tensor(name: str, spec: dict[str, Any]) -> Tensor:
    if not re.fullmatch("t[0-9]+", name):
        raise invalid("tensors named t0, t1, ...", f"{name!a:.20}")
    trainable = Flag().read(spec["trainable"])
    return Tensor(name, TensorKind(spec["kind"]), trainable, _shape(spec["shape"]), spec["dtype"])


def _shape(content: Any) -> Shape:
    return Wholes(0, MAX_SIZE).read(content)


def assembled(
    framework: Framework, input_shape: Shape, tensors: Sequence[Tensor], training: Graph, evaluation: Graph
) -> ModelGraph:
    """The model of two graphs, with its fingerprint. Raises ArtifactError where batch statistics are written to
    anything but tensors that are not trained."""
    kept = {tensor.name for tensor in tensors if tensor.is_float and not tensor.trainable}
    if not kept.issuperset(name for graph in (training, evaluation) for node in graph.nodes for name in updates(node)):
        raise not_supported("a model that writes to its own tensors")
    model = ModelGraph(framework, input_shape, tuple(tensors), training, evaluation, fingerprint="")
    return replace(model, fingerprint=_digest(model_text(model)))


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
