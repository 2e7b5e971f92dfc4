"""The compiled engine's elementary functions and activations: against SciPy and NumPy in float64, over all floats."""

import numpy as np
import pytest
from engine_graphs import ACTIVATIONS
from engine_kernels import on_arrays
from language_nets import Net
from scipy import special

from harness.engine import functions
from harness.engine.chain import chain_of
from harness.engine.rules import RULES
from harness.engine.steps import FROM_RESULT, Activation

SMALLEST = float(np.finfo(np.float32).tiny)
EDGES = [0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 88.72, 88.73, 88.8, -87.3, -88, -103.9, -103.98, -104.5, 3e38]
"""Where a result becomes a denormal number, infinite, or none."""


def floats(count: int):
    """Floats of every exponent and sign, many of them NaN, denormal or infinite, and those that networks have."""
    bits = np.random.default_rng(0).integers(0, 1 << 32, count, dtype=np.uint64).astype(np.uint32).view(np.float32)
    near = (np.linspace(-most, most, count // 2, dtype=np.float32) for most in (110, 2, 1e-3))
    with np.errstate(invalid="ignore"):
        return np.concatenate([bits, *near, np.array(EDGES, np.float32)])


FUNCTIONS = {
    "exp": (functions.exp, np.exp, 1.0),
    "log": (functions.log, np.log, 1.0),
    "tanh": (functions.tanh, np.tanh, 1.5),
    "sigmoid": (functions.sigmoid, special.expit, 2.5),
    "softplus": (functions.softplus, lambda x: np.logaddexp(0, x), 3.0),
    "erf": (functions.erf, special.erf, 3.5),
}


@pytest.mark.parametrize("isa", ["AVX2", "AVX-512"])
def test_functions_are_within_a_few_units_in_the_last_place(isa):
    x = floats(200_000)
    with np.errstate(all="ignore"):
        found = on_arrays([function for function, _, _ in FUNCTIONS.values()], [x], isa)
        for (name, (_, of, most)), result in zip(FUNCTIONS.items(), found, strict=True):
            keep = (x >= SMALLEST) & np.isfinite(x) if name == "log" else slice(None)
            expected = np.asarray(of(x.astype(np.float64)))[keep]
            assert units(result[keep], expected, x[keep]) <= most, name


def units(found, expected, x) -> float:
    """The largest difference in units of the last place; infinite where one is finite or a number and the other not.
    Below the normal numbers a function may be 0."""
    rounded = expected.astype(np.float32)
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    same |= (np.abs(rounded) < SMALLEST) & (found == 0)
    apart = np.abs(found.astype(np.float64) - expected) / np.spacing(np.abs(rounded)).astype(np.float64)
    apart[same] = 0
    worst = np.nan_to_num(apart, nan=np.inf).argmax()
    print(f"at {x[worst]!r}: {found[worst]!r}, not {expected[worst]!r}")
    return float(np.nan_to_num(apart, nan=np.inf)[worst])


def test_denormal_numbers_are_neither_lost_nor_made_larger():
    small = np.array([1e-45, 1e-44, 3e-41, 1.1e-38], np.float32)
    x = np.concatenate([small, -small])
    names = ("Relu", "Tanh", "LeakyRelu", "Silu", "Softsign", "Clip")
    settings = {"LeakyRelu": (0.5,), "Clip": (-1.0, 1.0)}
    values = [lambda v, n=name: functions.activated(Activation(n, settings.get(n, ())), v) for name in names]
    found = dict(zip(names, on_arrays([*values], [x], "AVX2"), strict=True))
    np.testing.assert_array_equal(found["Relu"], np.maximum(x, 0))
    np.testing.assert_array_equal(found["LeakyRelu"], np.where(x > 0, x, x * np.float32(0.5)))
    for name in ("Tanh", "Softsign", "Clip"):
        np.testing.assert_array_equal(found[name], x)
    np.testing.assert_array_equal(found["Silu"], x * np.float32(0.5))
    assert np.exp(-100.0).astype(np.float32) == on_arrays([functions.exp], [np.array([-100.0], np.float32)], "AVX2")[0]


def gelu(x):
    return x * special.ndtr(x)


def tanh_gelu(x):
    return x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def elu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


VALUES = {
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": special.expit,
    "Tanh": np.tanh,
    "LeakyRelu": lambda x, alpha: np.where(x > 0, x, alpha * x),
    "Elu": elu,
    "Selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "Gelu": gelu,
    "TanhGelu": tanh_gelu,
    "Silu": lambda x: x * special.expit(x),
    "Mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "Softplus": lambda x: np.logaddexp(0, x),
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "HardSigmoid": lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Clip": lambda x, least, most: np.clip(x, least, most),
    "Exp": np.exp,
}
SETTINGS = {"LeakyRelu": (0.2,), "Elu": (0.7,), "HardSigmoid": (0.2, 0.4), "Clip": (-0.5, 0.75)}
CORNERS = {0.0, -0.5, 0.75, -2.0, 3.0, -3.0}


def back(activation, x, gradient):
    kept = x if activation.needs_input else functions.activated(activation, x)
    return functions.passed_back(activation, gradient, kept)


def test_values_and_slopes_of_every_activation_are_those_of_its_formula():
    x = np.linspace(-20, 20, 4_001, dtype=np.float32)
    x = x[np.min([np.abs(x - corner) for corner in CORNERS], axis=0) > 1e-3]
    given = np.random.default_rng(0).standard_normal(len(x)).astype(np.float32)
    activations = [Activation(name, SETTINGS.get(name, ())) for name in sorted(functions.ACTIVATIONS)]
    values = [lambda v, _, a=activation: functions.activated(a, v) for activation in activations]
    slopes = [lambda v, g, a=activation: back(a, v, g) for activation in activations]
    found = on_arrays([*values, *slopes], [x, given], "AVX-512")
    exact, step = x.astype(np.float64), 1e-5
    for place, activation in enumerate(activations):
        value, slope = found[place], found[place + len(activations)]
        low, middle, high = (VALUES[activation.operator](exact + d, *activation.numbers) for d in (-step, 0, step))
        expected = given * (high - low) / (2 * step)
        assert (np.abs(value - middle) / np.maximum(1, np.abs(middle))).max() < 1e-6, activation
        assert (np.abs(slope - expected) / np.maximum(1, np.abs(expected))).max() < 3e-6, activation


def test_every_activation_of_the_rules_has_a_value_and_a_slope():
    names = {name for name, _ in ACTIVATIONS} | {"Exp"}
    made = set()
    for name in names & RULES.keys():
        for settings in [settings for other, settings in ACTIVATIONS if other == name] or [{}]:
            (step,) = chain_of(Net(3).then(name, **settings).graph()).steps
            made.add(step.epilogue.activation.operator)
    x = Net(3).build
    chain = chain_of(x.finish(x.emit("Mul", x.images, x.emit("Sigmoid", x.images))).graph)
    made |= {step.epilogue.activation.operator for step in chain.steps if step.epilogue.activation}
    assert made >= {"Silu", "Gelu", "TanhGelu"}
    assert made == functions.ACTIVATIONS == VALUES.keys()
    assert functions.ACTIVATIONS >= FROM_RESULT
