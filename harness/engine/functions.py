"""Elementary functions and activations on vectors, with the slopes of the activations.

exp, log, tanh and erf are the polynomials of the Cephes library (Moshier 1989, single precision).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.engine.steps import Activation
from harness.engine.values import Vector, power_of_two, split

_ROUNDING = 12582912.0
"""1.5 * 2^23: adding and subtracting it rounds a small float to a whole number."""
_SELU_ALPHA, _SELU_GAMMA = 1.6732632423543772, 1.0507009873554805
_TANH_GELU = math.sqrt(2 / math.pi)


def _polynomial(x: Vector, first: float, *others: float) -> Vector:
    found = x.writer.vector(first)
    for coefficient in others:
        found = x.writer.vector(coefficient).plus_product(found, x)
    return found


def exp(x: Vector) -> Vector:
    """e to the power of x; 0, denormal numbers and infinity included."""
    y = x.compare(">", 88.8).select(88.8, x.compare("<", -104.0).select(-104.0, x))
    whole = y * 1.44269504088896341 + _ROUNDING - _ROUNDING
    rest = y - whole * 0.693359375 + whole * 2.12194440e-4
    series = _polynomial(
        rest, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1
    )
    half = whole * 0.5 + _ROUNDING - _ROUNDING
    found = (series * (rest * rest) + rest + 1.0) * power_of_two(half) * power_of_two(whole - half)
    return x.is_nan().select(x, found)


def log(x: Vector) -> Vector:
    """The natural logarithm of a positive normal number."""
    mantissa, exponent = split(x)
    is_small = mantissa.compare("<", 0.70710678118654752)
    exponent = is_small.select(exponent - 1.0, exponent)
    rest = is_small.select(mantissa + mantissa, mantissa) - 1.0
    square = rest * rest
    series = _polynomial(
        rest,
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
    found = rest + (rest * square * series - exponent * 2.12194440e-4 - square * 0.5) + exponent * 0.693359375
    return x.is_nan().select(x, found)


def tanh(x: Vector) -> Vector:
    """The hyperbolic tangent."""
    size, square = x.absolute(), x * x
    series = _polynomial(
        square, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1
    )
    large = (1.0 - 2.0 / (exp(size + size) + 1.0)).with_sign_of(x)
    found = size.compare("<", 0.625).select(x + x * square * series, large)
    return x.is_nan().select(x, found)


def sigmoid(x: Vector) -> Vector:
    """1 / (1 + exp(-x))."""
    return 1.0 / (exp(-x) + 1.0)


def softplus(x: Vector) -> Vector:
    """log(1 + exp(x)), without overflow and with small results in full precision."""
    small = exp(-x.absolute())
    one = small + 1.0
    exact = one.compare("==", 1.0).select(small, log(one) * (small / (one - 1.0)))
    return x.is_nan().select(x, x.compare(">", 0.0).select(x, 0.0) + exact)


def erf(x: Vector) -> Vector:
    """The error function: up to 1 the polynomial of Cephes, beyond Abramowitz and Stegun 1964, 7.1.26."""
    size, square = x.absolute(), x * x
    t = 1.0 / (size * 0.3275911 + 1.0)
    series = _polynomial(t, 1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592) * t
    large = (1.0 - series * exp(-square)).with_sign_of(x)
    small = x * _polynomial(
        square,
        7.853861353153693e-5,
        -8.010193625184903e-4,
        5.188327685732524e-3,
        -2.685381193529856e-2,
        1.128358514861418e-1,
        -3.761262582423300e-1,
        1.128379165726710,
    )
    return x.is_nan().select(x, size.compare("<", 1.0).select(small, large))


def _exp_below_zero(x: Vector) -> Vector:
    return exp(x.compare(">", 0.0).select(0.0, x))


def _relu(x: Vector) -> Vector:
    return x.compare("<=", 0.0).select(0.0, x)


def _leaky(x: Vector, alpha: float) -> Vector:
    return x.compare("<=", 0.0).select(x * alpha, x)


def _leaky_slope(x: Vector, alpha: float) -> Vector:
    return x.compare("<=", 0.0).select(alpha, x.writer.vector(1.0))


def _elu(x: Vector, alpha: float) -> Vector:
    return x.compare("<=", 0.0).select((_exp_below_zero(x) - 1.0) * alpha, x)


def _elu_slope(x: Vector, alpha: float) -> Vector:
    return x.compare("<=", 0.0).select(_exp_below_zero(x) * alpha, x.writer.vector(1.0))


def _gelu(x: Vector) -> Vector:
    return x * 0.5 * (erf(x * math.sqrt(0.5)) + 1.0)


def _gelu_slope(x: Vector) -> Vector:
    density = exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
    return (erf(x * math.sqrt(0.5)) + 1.0) * 0.5 + x * density


def _tanh_gelu(x: Vector) -> Vector:
    return x * 0.5 * (tanh((x * x * 0.044715 + 1.0) * x * _TANH_GELU) + 1.0)


def _tanh_gelu_slope(x: Vector) -> Vector:
    square = x * x
    bent = tanh((square * 0.044715 + 1.0) * x * _TANH_GELU)
    inner = (square * (3 * 0.044715) + 1.0) * _TANH_GELU
    return (bent + 1.0) * 0.5 + x * 0.5 * (1.0 - bent * bent) * inner


def _silu_slope(x: Vector) -> Vector:
    share = sigmoid(x)
    return share * ((1.0 - share) * x + 1.0)


def _mish_slope(x: Vector) -> Vector:
    bent = tanh(softplus(x))
    return bent + x * (1.0 - bent * bent) * sigmoid(x)


def _softsign_slope(x: Vector) -> Vector:
    share = 1.0 / (x.absolute() + 1.0)
    return share * share


def _clip(x: Vector, least: float, most: float) -> Vector:
    """Where the least is above the most, the most counts."""
    raised = x.compare("<", least).select(least, x)
    return raised.compare(">", most).select(most, raised)


def _clip_slope(x: Vector, least: float, most: float) -> Vector:
    inside = x.compare("<", least) | x.compare(">", most)
    return inside.select(0.0, x.writer.vector(1.0))


def _hard_sigmoid_slope(x: Vector, alpha: float, beta: float) -> Vector:
    y = x * alpha + beta
    outside = y.compare("<=", 0.0) | y.compare(">=", 1.0)
    return outside.select(0.0, x.writer.vector(alpha))


def _hard_swish_slope(x: Vector) -> Vector:
    within = x.compare(">", 3.0).select(1.0, x * (1 / 3) + 0.5)
    return x.compare("<", -3.0).select(0.0, within)


_Function = Callable[..., Vector]
_VALUES: dict[str, _Function] = {
    "Relu": _relu,
    "Sigmoid": sigmoid,
    "Tanh": tanh,
    "LeakyRelu": _leaky,
    "Elu": _elu,
    "Selu": lambda x: _elu(x, _SELU_ALPHA) * _SELU_GAMMA,
    "Gelu": _gelu,
    "TanhGelu": _tanh_gelu,
    "Silu": lambda x: x * sigmoid(x),
    "Mish": lambda x: x * tanh(softplus(x)),
    "Softplus": softplus,
    "Softsign": lambda x: x / (x.absolute() + 1.0),
    "HardSigmoid": lambda x, alpha, beta: _clip(x * alpha + beta, 0.0, 1.0),
    "HardSwish": lambda x: x * _clip(x * (1 / 6) + 0.5, 0.0, 1.0),
    "Clip": _clip,
    "Exp": exp,
}
_SLOPES: dict[str, _Function] = {
    "LeakyRelu": _leaky_slope,
    "Elu": _elu_slope,
    "Selu": lambda x: _elu_slope(x, _SELU_ALPHA) * _SELU_GAMMA,
    "Gelu": _gelu_slope,
    "TanhGelu": _tanh_gelu_slope,
    "Silu": _silu_slope,
    "Mish": _mish_slope,
    "Softplus": sigmoid,
    "Softsign": _softsign_slope,
    "HardSigmoid": _hard_sigmoid_slope,
    "HardSwish": _hard_swish_slope,
    "Clip": _clip_slope,
    "Exp": exp,
}
"""From what an activation reads."""
_FROM_RESULTS: dict[str, Callable[[Vector, Vector], Vector]] = {
    "Relu": lambda gradient, y: y.compare("<=", 0.0).select(0.0, gradient),
    "Sigmoid": lambda gradient, y: gradient * y * (1.0 - y),
    "Tanh": lambda gradient, y: gradient * (1.0 - y * y),
}

ACTIVATIONS = frozenset(_VALUES)
"""Those that a step may have."""


def activated(activation: Activation | None, x: Vector) -> Vector:
    """The activation of x; x itself without one."""
    return _VALUES[activation.operator](x, *activation.numbers) if activation else x


def passed_back(activation: Activation | None, gradient: Vector, kept: Vector) -> Vector:
    """The gradient before an activation, from that after it. `kept` is what it read, or its result where that is
    enough."""
    if activation is None:
        return gradient
    if activation.needs_input:
        return gradient * _SLOPES[activation.operator](kept, *activation.numbers)
    return _FROM_RESULTS[activation.operator](gradient, kept)
