"""The meaning of the operators that work number by number. Where there is no derivative, the subgradient is named.

Operators of several inputs broadcast them as NumPy does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Meaning = Callable[..., Array]
"""From an operator's inputs, in order, and its attributes, by name, to its result. Sizes are numbers here."""

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_GAMMA = 1.0507009873554804934193349852946


def negative(x: Array) -> Array:
    """-x."""
    return np.negative(x)


def absolute(x: Array) -> Array:
    """|x|. At 0 the subgradient is 0."""
    return np.abs(x)


def square_root(x: Array) -> Array:
    """The root of x, NaN below 0. At 0 the gradient is infinite."""
    return np.sqrt(x)


def reciprocal(x: Array) -> Array:
    """1 / x. At 0 the gradient is infinite."""
    return 1.0 / x


def exponential(x: Array) -> Array:
    """e to the power of x."""
    return np.exp(x)


def logarithm(x: Array) -> Array:
    """The natural logarithm, NaN below 0. At 0 the gradient is infinite."""
    return np.log(x)


def error_function(x: Array) -> Array:
    """2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x."""
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x)).astype(np.float64)


def sine(x: Array) -> Array:
    """The sine of x in radians."""
    return np.sin(x)


def cosine(x: Array) -> Array:
    """The cosine of x in radians."""
    return np.cos(x)


def relu(x: Array) -> Array:
    """max(x, 0). At 0 the subgradient is 0."""
    return np.maximum(x, 0.0)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def hyperbolic_tangent(x: Array) -> Array:
    """The hyperbolic tangent of x."""
    return np.tanh(x)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def softsign(x: Array) -> Array:
    """x / (1 + |x|)."""
    return x / (1.0 + np.abs(x))


def hard_swish(x: Array) -> Array:
    """x * max(0, min(1, x / 6 + 1/2)). At -3 the subgradient is 0; at 3 it is 1."""
    return x * np.clip(x / 6.0 + 0.5, 0.0, 1.0)


def mish(x: Array) -> Array:
    """x * tanh(softplus(x))."""
    return x * np.tanh(softplus(x))


def elu(x: Array, *, alpha: float) -> Array:
    """x above 0, else alpha * (exp(x) - 1). At 0 the subgradient is alpha."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def celu(x: Array, *, alpha: float) -> Array:
    """x above 0, else alpha * (exp(x / alpha) - 1). At 0 the gradient is 1; as Keras writes it, 2."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0) / alpha))


def selu(x: Array) -> Array:
    """gamma * x above 0, else gamma * alpha * (exp(x) - 1), with the constants of the paper. At 0 the subgradient is
    gamma * alpha; in TensorFlow gamma."""
    return _SELU_GAMMA * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0.0)))


def leaky_relu(x: Array, *, alpha: float) -> Array:
    """x above 0, else alpha * x. At 0 the subgradient is alpha."""
    return np.where(x > 0, x, alpha * x)


def hard_sigmoid(x: Array, *, alpha: float, beta: float) -> Array:
    """max(0, min(1, alpha * x + beta)). Where it reaches a bound the subgradient is 0."""
    return np.clip(alpha * x + beta, 0.0, 1.0)


def gelu(x: Array, *, approximate: str) -> Array:
    """x times the probability that a standard normal number is below x; with `tanh` the usual approximation of it."""
    if approximate == "tanh":
        return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1.0 + error_function(x / math.sqrt(2.0)))


def shrink(x: Array, *, lambd: float, bias: float) -> Array:
    """x + bias below -lambd, x - bias above lambd, else 0. At -lambd and lambd the subgradient is 0."""
    return np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, 0.0))


def clip(x: Array, *, min: float | None, max: float | None) -> Array:
    """The larger of x and `min`, then the smaller of that and `max`; None is no bound. At a bound the subgradient is
    1; of PyTorch's `hardtanh` and `relu6` and TensorFlow's `Relu6` it is 0."""
    raised = x if min is None else np.maximum(x, min)
    return raised if max is None else np.minimum(raised, max)


def add(a: Array, b: Array) -> Array:
    """A + B."""
    return np.add(a, b)


def subtract(a: Array, b: Array) -> Array:
    """A - B."""
    return np.subtract(a, b)


def multiply(a: Array, b: Array) -> Array:
    """A * B."""
    return np.multiply(a, b)


def divide(a: Array, b: Array) -> Array:
    """A / B."""
    return np.divide(a, b)


def power(a: Array, b: Array) -> Array:
    """A to the power of B, NaN for a negative A and a B that is not whole. Where A is 0 the gradient with respect to B
    is 0. That of A to the power of 0 with respect to A is 0; where A is 0 too, in TensorFlow NaN."""
    return np.power(a, b)


def minimum(a: Array, b: Array) -> Array:
    """The smaller of A and B. Where they are equal each has half of the gradient; in TensorFlow A has all of it."""
    return np.minimum(a, b)


def maximum(a: Array, b: Array) -> Array:
    """The larger of A and B. Where they are equal each has half of the gradient; in TensorFlow A has all of it."""
    return np.maximum(a, b)


def prelu(a: Array, b: Array) -> Array:
    """A above 0, else B * A. At 0 the subgradient with respect to A is B."""
    return np.where(a > 0, a, b * a)


def less(a: Array, b: Array) -> Array:
    """A < B. It has no gradient."""
    return np.less(a, b)


def less_or_equal(a: Array, b: Array) -> Array:
    """A <= B. It has no gradient."""
    return np.less_equal(a, b)


def greater(a: Array, b: Array) -> Array:
    """A > B. It has no gradient."""
    return np.greater(a, b)


def greater_or_equal(a: Array, b: Array) -> Array:
    """A >= B. It has no gradient."""
    return np.greater_equal(a, b)


def where(condition: Array, x: Array, y: Array) -> Array:
    """X where the condition holds, else Y. Only the number that is taken has a gradient."""
    return np.where(condition, x, y)


def dropout(x: Array, kept: Array, *, ratio: float) -> Array:
    """X / (1 - ratio) where `kept` is 1, else 0."""
    return x * kept / (1.0 - ratio)


ELEMENTWISE: Mapping[str, Meaning] = {
    "Neg": negative,
    "Abs": absolute,
    "Sqrt": square_root,
    "Reciprocal": reciprocal,
    "Exp": exponential,
    "Log": logarithm,
    "Erf": error_function,
    "Sin": sine,
    "Cos": cosine,
    "Relu": relu,
    "Sigmoid": sigmoid,
    "Tanh": hyperbolic_tangent,
    "Softplus": softplus,
    "Softsign": softsign,
    "HardSwish": hard_swish,
    "Mish": mish,
    "Elu": elu,
    "Celu": celu,
    "Selu": selu,
    "LeakyRelu": leaky_relu,
    "HardSigmoid": hard_sigmoid,
    "Gelu": gelu,
    "Shrink": shrink,
    "Clip": clip,
    "Add": add,
    "Sub": subtract,
    "Mul": multiply,
    "Div": divide,
    "Pow": power,
    "Min": minimum,
    "Max": maximum,
    "PRelu": prelu,
    "Less": less,
    "LessOrEqual": less_or_equal,
    "Greater": greater,
    "GreaterOrEqual": greater_or_equal,
    "Where": where,
    "Dropout": dropout,
}
