"""Record the operators a Keras model runs, as plain data.

A model is traced into a TensorFlow function for any batch size, and the function's graph is read out: the nodes that
the output or a write to a variable needs, in the order of their creation. Names are dropped, because they are the
student's; so are `Identity` nodes, and with them custom gradients. Numbers become tensors of the weights, where they
are counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.backends.tensorflow.imported import keras, tf
from harness.records.graph import Shape

DTYPES = {
    "float32": "F32",
    "float64": "F64",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "uint8": "U8",
    "bool": "BOOL",
}
"""Data types that tensors of the weights can have, and their names in safetensors."""

_INLINE_ITEMS = 16
_WRITES = {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"}
_FORWARDS = {"Identity", "IdentityN", "EnsureShape"}
_CHANGE_WITH_EVERY_BUILD = {"seed", "seed2", "token"}
_PUBLIC_NAMES = {"squeeze_dims": "axis"}

Reference = dict[str, Any]


@dataclass
class Tape:
    """One mode of a model. `outside` holds the tensors it refers to: variables by identity, constants by content.

    A variable is represented by a scalar `tf.resource` handle, a constant by its numbers. `scopes` is the name scope of
    each node.
    """

    nodes: list[dict[str, Any]] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    outside: dict[object, Any] = field(default_factory=dict)
    output: Reference = field(default_factory=dict)


def trace(model: keras.Model, shape: Shape, training: bool) -> Tape:
    """Trace the model on float images (any batch, *shape) in training or evaluation mode."""

    def call(images: Any) -> Any:
        output = model(images, training=training)
        if not isinstance(output, tf.Tensor) or output.shape.rank not in (None, 2):
            shape = f" of shape {output.shape}" if isinstance(output, tf.Tensor) else ""
            raise ValueError(f"call returned a {type(output).__name__}{shape} instead of a tensor of (batch, 10)")
        return output

    function = tf.function(call, autograph=False)
    tf.config.run_functions_eagerly(True)  # functions inside the model become part of its graph
    try:
        concrete = function.get_concrete_function(tf.TensorSpec([None, *shape], tf.float32))
    finally:
        tf.config.run_functions_eagerly(False)
    return _Reader(concrete).read()


class _Reader:
    """Reads a traced function's graph onto a tape."""

    def __init__(self, function: Any) -> None:
        self._graph = function.graph
        self._output = function.outputs[0]
        self._captured = {inner.name: outer for outer, inner in self._graph.captures}
        self._known: dict[str, Reference] = {function.inputs[0].name: {"input": 0}}
        self._tape = Tape()

    def read(self) -> Tape:
        live = self._live()
        for operation in self._graph.get_operations():
            if operation.name in live:
                self._add(operation)
        self._tape.output = self._known[self._output.name]
        return self._tape

    def _live(self) -> set[str]:
        """Names of the operations that the output or a write to a variable needs."""
        writes = [op for op in self._graph.get_operations() if op.type in _WRITES]
        waiting, live = [self._output.op, *writes], set[str]()
        while waiting:
            operation = waiting.pop()
            if operation.name not in live:
                live.add(operation.name)
                waiting += [tensor.op for tensor in operation.inputs]
        return live

    def _add(self, operation: Any) -> None:
        if operation.type == "Placeholder":
            self._add_placeholder(operation.outputs[0])
        elif operation.type == "Const":
            self._add_constant(operation.outputs[0], tf.make_ndarray(operation.get_attr("value")))
        elif operation.type in _FORWARDS:
            for source, output in zip(operation.inputs, operation.outputs, strict=True):
                self._known[output.name] = self._known[source.name]
        else:
            for position, output in enumerate(operation.outputs):
                self._known[output.name] = {"node": [len(self._tape.nodes), position]}
            self._tape.nodes.append(self._node(operation))
            self._tape.scopes.append(operation.name)

    def _add_placeholder(self, tensor: Any) -> None:
        if tensor.name in self._known:
            return
        outer = self._captured[tensor.name]
        if outer.dtype == tf.resource:
            self._tape.outside[id(outer)] = outer
            self._known[tensor.name] = {"outside": id(outer)}
        elif isinstance(outer, tf.__internal__.EagerTensor):
            self._add_constant(tensor, outer.numpy())
        else:
            self._known[tensor.name] = _unknown(outer.dtype)

    def _add_constant(self, tensor: Any, value: npt.NDArray[Any]) -> None:
        dtype = tensor.dtype.name
        if dtype not in DTYPES and value.size > _INLINE_ITEMS:
            self._known[tensor.name] = _unknown(tensor.dtype)
        elif value.size > (1 if tensor.dtype.is_floating else _INLINE_ITEMS):
            key = (dtype, value.shape, value.tobytes())
            self._tape.outside[key] = value
            self._known[tensor.name] = {"outside": key}
        else:
            items = [_plain(item) for item in value.ravel().tolist()]
            self._known[tensor.name] = {"const": {"dtype": dtype, "shape": list(value.shape), "items": items}}

    def _node(self, operation: Any) -> dict[str, Any]:
        definition, args, position = operation.op_def, [], 0
        inferred = set[str]()
        for argument in definition.input_arg:
            inferred |= {argument.type_attr, argument.number_attr, argument.type_list_attr}
            count = _count(operation, argument)
            names = [tensor.name for tensor in operation.inputs[position : position + (count or 1)]]
            values = [self._known[name] for name in names]
            args.append(values if count is not None else values[0])
            position += len(values)
        attributes = {
            _PUBLIC_NAMES.get(attribute.name, attribute.name): _attribute(operation.get_attr(attribute.name))
            for attribute in definition.attr
            if attribute.name not in inferred | _CHANGE_WITH_EVERY_BUILD and not _is_default(operation, attribute)
        }
        return {"op": operation.type, "args": args, "attrs": attributes}


def _count(operation: Any, argument: Any) -> int | None:
    """How many tensors an input takes; None for an input that is a single tensor, not a list."""
    if argument.number_attr:
        return int(operation.get_attr(argument.number_attr))
    return len(operation.get_attr(argument.type_list_attr)) if argument.type_list_attr else None


def _is_default(operation: Any, attribute: Any) -> bool:
    present = operation.node_def.attr
    return attribute.name not in present or (
        attribute.HasField("default_value") and present[attribute.name] == attribute.default_value
    )


def _attribute(value: Any) -> Any:
    """An attribute as data; None for kinds that no allowed operator has (functions, shapes, tensors)."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, tf.DType):
        return {"type": value.name}
    if isinstance(value, list):
        return [_attribute(item) for item in value]
    return value if isinstance(value, (bool, int, float)) else None


def _unknown(dtype: tf.DType) -> Reference:
    """A value the artifact cannot hold. The audit names the operator that reads it."""
    return {"const": {"dtype": dtype.name, "shape": [0], "items": []}}


def _plain(item: Any) -> Any:
    if isinstance(item, (bool, int)):
        return item
    return (item if math.isfinite(item) else str(item)) if isinstance(item, float) else str(item)[:_INLINE_ITEMS]


def references(value: Any) -> list[object]:
    """Keys of the outside tensors that nodes or arguments refer to, in order."""
    if isinstance(value, list):
        return [key for item in value for key in references(item)]
    if "args" in value:
        return references(value["args"])
    return [value["outside"]] if "outside" in value else []


def name_outside(value: Any, names: dict[object, str]) -> Any:
    """The same nodes with the keys of outside tensors replaced by the names of tensors."""
    if isinstance(value, list):
        return [name_outside(item, names) for item in value]
    if "args" in value:
        return {**value, "args": name_outside(value["args"], names)}
    return {"tensor": names[value["outside"]]} if "outside" in value else value


def read_variable(handle: Any) -> npt.NDArray[Any] | None:
    """The current value of a variable; None for a resource that is not a variable."""
    contents = handle._handle_data.shape_and_type if getattr(handle, "_handle_data", None) else []
    if len(contents) != 1:
        return None
    value = tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.as_dtype(contents[0].dtype))
    return np.array(value.numpy())
