"""Rules number by number, and reductions."""

from __future__ import annotations

from harness.artifact.reading import other_arguments, unknown_operator
from harness.artifact.tensorflow.making import Item, Making, axis_of, shortest
from harness.artifact.tensorflow.match import Pattern, match
from harness.artifact.tensorflow.normalizing import normalization
from harness.artifact.tensorflow.products import with_bias
from harness.artifact.tensorflow.raw import Result
from harness.artifact.tensorflow.rules import DTYPE, IGNORED_FLAG, NO, Attribute, Translate, rule
from harness.artifact.tensorflow.static import FOLDED, Static, cast, combined, kind_of, objects
from harness.language.attributes import Flag, Real
from harness.language.graph import Value
from harness.language.refusals import not_supported

_BINARY = {
    "Sub": "Sub",
    "RealDiv": "Div",
    "Div": "Div",
    "Maximum": "Max",
    "Minimum": "Min",
    "Pow": "Pow",
    "Less": "Less",
    "LessEqual": "LessOrEqual",
    "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual",
}
_UNARY = {
    "Abs": "Abs",
    "Sqrt": "Sqrt",
    "Reciprocal": "Reciprocal",
    "Inv": "Reciprocal",
    "Exp": "Exp",
    "Log": "Log",
    "Erf": "Erf",
    "Sin": "Sin",
    "Cos": "Cos",
    "Relu": "Relu",
    "Sigmoid": "Sigmoid",
    "Tanh": "Tanh",
    "Softplus": "Softplus",
    "Softsign": "Softsign",
    "Selu": "Selu",
}
_REDUCTIONS = {
    "Mean": "ReduceMean",
    "Sum": "ReduceSum",
    "Max": "ReduceMax",
    "Min": "ReduceMin",
    "EuclideanNorm": "ReduceL2",
}
_GELUS: tuple[tuple[str, Pattern], ...] = (
    ("none", ("Mul", ("Mul", 0.5, "x"), ("Erfc", ("Mul", ("Neg", "x"), 0.7071067811865476)))),
    ("none", ("Mul", ("Mul", 0.5, "x"), ("AddV2", 1.0, ("Erf", ("RealDiv", "x", 1.4142135623730951))))),
    (
        "tanh",
        (
            "Mul",
            ("Mul", 0.5, "x"),
            (
                "AddV2",
                1.0,
                (
                    "Tanh",
                    ("Mul", 0.7978845608028654, ("AddV2", "x", ("Mul", 0.044715, ("Pow", "x", 3.0)))),
                ),
            ),
        ),
    ),
)
_PRECISE = ("float32", "float64", "bool", "int32", "int64")
"""Data types that hold what a number of the language may be."""


def _binary(name: str) -> Translate:
    def translate(making: Making, a: Item, b: Item) -> Item:
        return _of_two(making, name, a, b)

    return translate


def _unary(name: str) -> Translate:
    def translate(making: Making, x: Item) -> Item:
        return making.emit(name, x)

    return translate


def _reduction(name: str) -> Translate:
    def translate(making: Making, x: Item, axes: Item, *, keep_dims: bool) -> Item:
        value = making.value(x)
        places = sorted(axis_of(axis, value.rank) for axis in making.wholes(axes))
        return making.emit(name, value, axes=places, keepdims=keep_dims) if places else value

    return translate


for _operator, _name in _BINARY.items():
    rule(_operator, "11")(_binary(_name))
for _operator, _name in _UNARY.items():
    rule(_operator, "1")(_unary(_name))
for _operator, _name in _REDUCTIONS.items():
    rule(_operator, "11", keep_dims=Attribute(Flag(), False))(_reduction(_name))


def _of_two(making: Making, name: str, a: Item, b: Item) -> Item:
    if isinstance(a, Static) and isinstance(b, Static) and name in FOLDED:
        return combined(name, a, b)
    return making.emit(name, a, b)


@rule("AddV2 Add", "11")
def add(making: Making, a: Item, b: Item) -> Item:
    """The last step of a normalization, a layer's bias, or a sum."""
    first, second = making.node.arguments
    return (
        normalization(making)
        or with_bias(making, first, a, b)
        or with_bias(making, second, b, a)
        or _of_two(making, "Add", a, b)
    )


@rule("Mul", "11")
def multiply(making: Making, a: Item, b: Item) -> Item:
    """The last step of a GELU, or a product."""
    return _gelu(making) or _of_two(making, "Mul", a, b)


def _gelu(making: Making) -> Value | None:
    """The GELU that the node at hand is the last step of, exact or approximated."""
    for approximate, pattern in _GELUS:
        found = match(making.raw, Result(making.index), pattern)
        if found is not None:
            return making.emit("Gelu", making.item(found["x"]), approximate=approximate)
    return None


@rule("FloorDiv FloorMod", "11")
def divide_sizes(making: Making, a: Item, b: Item) -> Item:
    """Of sizes only."""
    return _of_sizes(making, a, b)


@rule("Equal NotEqual", "11", incompatible_shape_error=IGNORED_FLAG)
def compare_sizes(making: Making, a: Item, b: Item) -> Item:
    """Of sizes only."""
    return _of_sizes(making, a, b)


def _of_sizes(making: Making, a: Item, b: Item) -> Item:
    if not isinstance(a, Static) or not isinstance(b, Static):
        raise unknown_operator(making.node.operator)
    return combined(making.node.operator, a, b)


@rule("AddN", "N")
def add_all(making: Making, xs: tuple[Item, ...]) -> Item:
    """The sum of several."""
    total: Item = xs[0]
    for x in xs[1:]:
        total = making.emit("Add", total, x)
    return total


@rule("Neg", "1")
def negate(making: Making, x: Item) -> Item:
    """-x."""
    if isinstance(x, Static):
        return combined("Mul", x, Static(objects([-1], ()), x.kind))
    return making.emit("Neg", x)


@rule("Square", "1")
def square(making: Making, x: Item) -> Item:
    """x * x."""
    return making.emit("Mul", x, x)


@rule("SquaredDifference", "11")
def squared_difference(making: Making, a: Item, b: Item) -> Item:
    """(a - b) squared."""
    difference = making.emit("Sub", a, b)
    return making.emit("Mul", difference, difference)


@rule("Rsqrt", "1")
def reciprocal_root(making: Making, x: Item) -> Item:
    """1 / sqrt(x)."""
    return making.emit("Reciprocal", making.emit("Sqrt", x))


@rule("Erfc", "1")
def complementary_error(making: Making, x: Item) -> Item:
    """1 - erf(x)."""
    return making.emit("Sub", making.number(1), making.emit("Erf", x))


@rule("Expm1", "1")
def exponential_minus_one(making: Making, x: Item) -> Item:
    """exp(x) - 1."""
    return making.emit("Sub", making.emit("Exp", x), making.number(1))


@rule("Log1p", "1")
def logarithm_plus_one(making: Making, x: Item) -> Item:
    """log(1 + x)."""
    return making.emit("Log", making.emit("Add", x, making.number(1)))


@rule("Tan", "1")
def tangent(making: Making, x: Item) -> Item:
    """sin(x) / cos(x)."""
    return making.emit("Div", making.emit("Sin", x), making.emit("Cos", x))


@rule("Relu6", "1")
def relu6(making: Making, x: Item) -> Item:
    """Between 0 and 6."""
    return making.emit("Clip", x, min=0.0, max=6.0)


@rule("Elu", "1")
def elu(making: Making, x: Item) -> Item:
    """exp(x) - 1 below 0."""
    return making.emit("Elu", x, alpha=1.0)


@rule("LeakyRelu", "1", alpha=Attribute(Real(-1e6, 1e6), 0.2))
def leaky_relu(making: Making, x: Item, *, alpha: float) -> Item:
    """alpha * x below 0."""
    return making.emit("LeakyRelu", x, alpha=shortest(alpha))


@rule("ClipByValue", "111")
def clip(making: Making, x: Item, low: Item, high: Item) -> Item:
    """Between two numbers."""
    (least,), (most,) = making.static(low).items, making.static(high).items
    return making.emit("Clip", x, min=shortest(least), max=shortest(most))


@rule("Cast", "1", DstT=Attribute(DTYPE), Truncate=NO)
def convert(making: Making, x: Item, *, DstT: str, Truncate: bool) -> Item:
    """Numbers of another kind. Data types that would round are not in the language."""
    del Truncate
    if DstT not in _PRECISE:
        raise not_supported(f"the data type {DstT}")
    kind = kind_of(DstT)
    return cast(x, kind) if isinstance(x, Static) else making.emit("Cast", x, to=kind)


@rule("StopGradient", "1")
def stop_gradient(making: Making, x: Item) -> Item:
    """The numbers, through which no gradient goes."""
    return x if isinstance(x, Static) else making.emit("StopGradient", x)


@rule("Softmax LogSoftmax", "1")
def softmax(making: Making, x: Item) -> Item:
    """Along the last axis."""
    value = making.value(x)
    if not value.rank:
        raise other_arguments(making.node.operator)
    return making.emit(making.node.operator, value, axis=value.rank - 1)
