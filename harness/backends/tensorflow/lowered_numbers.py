"""Operators that work number by number, and reductions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.placed import Call, Lowered, Placed, together
from harness.language.graph import Kind

Function = Callable[..., Any]


def _each(function: Callable[[Any, Call], Any]) -> Lowered:
    """An operator on each number alone."""
    return lambda call: call.gives(function(call.first.tensor, call), call.first.order)


def _unary(function: Function) -> Lowered:
    return _each(lambda x, _: function(x))


def _several(function: Function) -> Lowered:
    def lowered(call: Call) -> Placed:
        tensors, order = together(call)
        return call.gives(function(*tensors), order)

    return lowered


def _reduction(function: Function) -> Lowered:
    def lowered(call: Call) -> Placed:
        order, axes = call.first.order, call["axes"]
        positions = [order.index(axis) for axis in axes]
        tensor = function(call.first.tensor, axis=positions, keepdims=call["keepdims"])
        if call["keepdims"]:
            return call.gives(tensor, order)
        left = sorted(set(order) - set(axes))
        return call.gives(tensor, [left.index(axis) for axis in order if axis not in axes])

    return lowered


def _along(function: Function) -> Lowered:
    def lowered(call: Call) -> Placed:
        order = call.first.order
        return call.gives(function(call.first.tensor, axis=order.index(call["axis"])), order)

    return lowered


def _l2(x: Any, **along: Any) -> Any:
    total = tf.reduce_sum(tf.square(x), **along)
    is_zero = total == 0  # where the gradient is 0
    return tf.where(is_zero, total, tf.sqrt(tf.where(is_zero, tf.ones_like(total), total)))


def _cast(x: Any, call: Call) -> Any:
    return tf.cast(x, {Kind.FLOAT: call.dtype, Kind.INT: tf.int64, Kind.BOOL: tf.bool}[Kind(call["to"])])


def _below_zero(x: Any, alpha: float, width: float = 1.0) -> Any:
    return tf.where(x > 0, x, alpha * tf.math.expm1(tf.minimum(x, 0) / width))


def _elu(x: Any, call: Call) -> Any:
    return tf.nn.elu(x) if call["alpha"] == 1 else _below_zero(x, call["alpha"])


def _clip(x: Any, call: Call) -> Any:
    low, high = call["min"], call["max"]
    if (low, high) == (0, 6):
        return tf.nn.relu6(x)
    x = x if low is None else tf.maximum(x, tf.constant(low, x.dtype))
    return x if high is None else tf.minimum(x, tf.constant(high, x.dtype))


def _gelu(x: Any, call: Call) -> Any:
    """TensorFlow's own has its constants in float32."""
    if call["approximate"] == "tanh":
        return 0.5 * x * (1 + tf.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1 + tf.math.erf(x / math.sqrt(2)))


def _shrink(x: Any, call: Call) -> Any:
    lambd, bias = call["lambd"], call["bias"]
    return tf.where(x < -lambd, x + bias, tf.where(x > lambd, x - bias, tf.zeros_like(x)))


def _between(x: Any) -> Any:
    return tf.clip_by_value(x, 0, 1)


NUMBERS: Mapping[str, Lowered] = {
    "Neg": _unary(tf.negative),
    "Abs": _unary(tf.abs),
    "Sqrt": _unary(tf.sqrt),
    "Reciprocal": _unary(tf.math.reciprocal),
    "Exp": _unary(tf.exp),
    "Log": _unary(tf.math.log),
    "Erf": _unary(tf.math.erf),
    "Sin": _unary(tf.sin),
    "Cos": _unary(tf.cos),
    "Relu": _unary(tf.nn.relu),
    "Sigmoid": _unary(tf.sigmoid),
    "Tanh": _unary(tf.tanh),
    "Softplus": _unary(tf.math.softplus),
    "Softsign": _unary(tf.nn.softsign),
    "HardSwish": _unary(lambda x: x * _between(x / 6 + 0.5)),
    "Mish": _unary(lambda x: x * tf.tanh(tf.math.softplus(x))),
    "Selu": _unary(tf.nn.selu),
    "StopGradient": _unary(tf.stop_gradient),
    "Elu": _each(_elu),
    "Celu": _each(lambda x, call: _below_zero(x, call["alpha"], call["alpha"])),
    "LeakyRelu": _each(lambda x, call: tf.where(x > 0, x, call["alpha"] * x)),
    "HardSigmoid": _each(lambda x, call: _between(call["alpha"] * x + call["beta"])),
    "Gelu": _each(_gelu),
    "Shrink": _each(_shrink),
    "Clip": _each(_clip),
    "Cast": _each(_cast),
    "Add": _several(tf.add),
    "Sub": _several(tf.subtract),
    "Mul": _several(tf.multiply),
    "Div": _several(tf.divide),
    "Pow": _several(tf.pow),
    "Min": _several(tf.minimum),
    "Max": _several(tf.maximum),
    "PRelu": _several(lambda x, slope: tf.where(x > 0, x, slope * x)),
    "Less": _several(tf.less),
    "LessOrEqual": _several(tf.less_equal),
    "Greater": _several(tf.greater),
    "GreaterOrEqual": _several(tf.greater_equal),
    "Where": _several(tf.where),
    "ReduceMean": _reduction(tf.reduce_mean),
    "ReduceSum": _reduction(tf.reduce_sum),
    "ReduceMax": _reduction(tf.reduce_max),
    "ReduceMin": _reduction(tf.reduce_min),
    "ReduceL2": _reduction(_l2),
    "Softmax": _along(tf.nn.softmax),
    "LogSoftmax": _along(tf.nn.log_softmax),
}
"""Each of these operators by its name."""
