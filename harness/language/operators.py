"""The operators of the language, one row each. Names and meanings are ONNX's, except where a row says otherwise.

What a row does not have does not exist: an attribute that is not listed, a number outside its bounds or an input of
another rank is refused. The meaning of each operator is in `interpreter.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.language import axes, costs, shapes
from harness.language.attributes import AXES, AXIS, Choice, Extent, Flag, Pads, Real, Sizes, Type, Whole, Wholes
from harness.language.graph import Kind
from harness.language.sizes import Dimension, Dimensions

FLOAT, INT, BOOL = Kind.FLOAT, Kind.INT, Kind.BOOL
ANY = (FLOAT, INT, BOOL)
NUMBERS = (FLOAT, INT)
REQUIRED = object()


class Batch(StrEnum):
    """What happens to the axis that has the images."""

    KEPT = "stays; may not be mixed"
    BROADCAST = "stays, aligned from the right"
    REDUCED = "stays, unless it is reduced"
    RESHAPED = "must stay a factor of one axis"
    MOVED = "moves with its axis"
    ROWS = "stays among the rows of A, the columns of B or the leading axes; may not be summed"
    GATHERED = "stays in the input or in the indices"
    CREATED = "comes from the shape"
    GRID = "stays first in both"


@dataclass(frozen=True)
class Input:
    """An input: what its numbers may be and how many axes it may have."""

    name: str
    kinds: tuple[Kind, ...] = (FLOAT,)
    ranks: tuple[int, int] = (0, 8)
    is_optional: bool = False


@dataclass(frozen=True)
class Attribute:
    """An attribute, with the value that it has where it is left out. One that `hides` a number can be changed without
    any shape showing it: it counts against the allowance, unless it is one of the `usual` values."""

    name: str
    type: Type
    default: Any = REQUIRED
    hides: bool = False
    usual: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Operator:
    """One row. `kind` is what the result's numbers are, None for what those of the first input are; of a `variadic`
    operator, the last input may be given any number of times."""

    name: str
    inputs: tuple[Input, ...]
    attributes: tuple[Attribute, ...]
    shape: Callable[[Sequence[Dimensions], Mapping[str, Any]], Dimensions]
    batch: Batch
    mixed: Callable[[Sequence[Dimensions], Mapping[str, Any]], frozenset[int]] = axes.none
    macs: Callable[[Sequence[Dimensions], Dimensions, Mapping[str, Any]], Dimension] = costs.nothing
    kind: Kind | None = None
    is_random: bool = False
    is_variadic: bool = False
    note: str = ""


def _unary(name: str, *attributes: Attribute) -> Operator:
    return Operator(name, (Input("X"),), attributes, shapes.same, Batch.BROADCAST)


def _binary(name: str, kinds: tuple[Kind, ...] = NUMBERS, kind: Kind | None = None) -> Operator:
    inputs = (Input("A", kinds), Input("B", kinds))
    return Operator(name, inputs, (), shapes.stretched, Batch.BROADCAST, kind=kind)


def _reduction(name: str) -> Operator:
    attributes = (Attribute("axes", AXES), Attribute("keepdims", Flag(), False))
    return Operator(name, (Input("X"),), attributes, shapes.reduce, Batch.REDUCED, axes.several)


def _number(name: str, *usual: float, least: float = -1e6, most: float = 1e6, default: Any = REQUIRED) -> Attribute:
    return Attribute(name, Real(least, most), default, hides=True, usual=usual)


_WINDOW = Wholes(1, 64)
_IMAGES = Input("X", ranks=(3, 5))
_FILTERS = Input("W", ranks=(3, 5))
_BIAS = Input("B", ranks=(1, 1), is_optional=True)
_SCALE = Input("scale", ranks=(1, 1))
_SHIFT = Input("B", ranks=(1, 1))
_STRIDES = Attribute("strides", _WINDOW)
_PADS = Attribute("pads", Pads(64))
_DILATIONS = Attribute("dilations", _WINDOW)
_GROUP = Attribute("group", Whole(1, 4096), 1)
_EPSILON = _number("epsilon", 1e-5, 1e-3, 1e-6, 1e-7, 1e-12, 1e-8, 1e-4, least=0, most=1)
_CEIL = Attribute("ceil_mode", Flag(), False)
_POOLING = (Attribute("kernel_shape", _WINDOW), _STRIDES, _PADS, _DILATIONS, _CEIL)
_AXIS = Attribute("axis", AXIS)
_SHAPE = Attribute("shape", Sizes())

_ROWS = (
    # layers
    Operator(
        "Gemm",
        (Input("A", ranks=(2, 2)), Input("B", ranks=(2, 2)), Input("C", ranks=(1, 1), is_optional=True)),
        (Attribute("transB", Flag(), False),),
        shapes.gemm,
        Batch.ROWS,
        macs=costs.of_product,
    ),
    Operator(
        "MatMul",
        (Input("A", ranks=(2, 6)), Input("B", ranks=(2, 6))),
        (),
        shapes.matmul,
        Batch.ROWS,
        macs=costs.of_product,
    ),
    Operator(
        "Conv",
        (_IMAGES, _FILTERS, _BIAS),
        (_STRIDES, _PADS, _DILATIONS, _GROUP),
        shapes.conv,
        Batch.KEPT,
        axes.channels_and_space,
        costs.of_conv,
    ),
    Operator(
        "ConvTranspose",
        (_IMAGES, _FILTERS, _BIAS),
        (_STRIDES, _PADS, _DILATIONS, _GROUP, Attribute("output_padding", Wholes(0, 63))),
        shapes.conv_transpose,
        Batch.KEPT,
        axes.channels_and_space,
        costs.of_conv_transpose,
    ),
    Operator("MaxPool", (_IMAGES,), _POOLING, shapes.pool, Batch.KEPT, axes.space),
    Operator(
        "AveragePool",
        (_IMAGES,),
        (*_POOLING, Attribute("count_include_pad", Flag(), False)),
        shapes.pool,
        Batch.KEPT,
        axes.space,
    ),
    Operator(
        "AdaptiveMaxPool",
        (_IMAGES,),
        (Attribute("sizes", Wholes(1, 128)),),
        shapes.adaptive_pool,
        Batch.KEPT,
        axes.space,
        note="ours: window i of n covers floor(i * size / n) to ceil((i + 1) * size / n)",
    ),
    Operator(
        "AdaptiveAveragePool",
        (_IMAGES,),
        (Attribute("sizes", Wholes(1, 128)),),
        shapes.adaptive_pool,
        Batch.KEPT,
        axes.space,
        note="ours: the windows of AdaptiveMaxPool",
    ),
    Operator(
        "BatchNormalization",
        (
            Input("X", ranks=(2, 5)),
            _SCALE,
            _SHIFT,
            Input("mean", ranks=(1, 1), is_optional=True),
            Input("var", ranks=(1, 1), is_optional=True),
        ),
        (
            _EPSILON,
            _number("momentum", 0.9, 0.99, least=0, most=1, default=0.9),
            Attribute("training", Flag(), False),
            Attribute("unbiased", Flag(), False),
        ),
        shapes.batch_normalization,
        Batch.KEPT,
        axes.of_batch_statistics,
        note="with `training` the batch's own mean and variance are used, and `mean` and `var`, where given, become "
        "momentum * old + (1 - momentum) * batch; ours: `unbiased` keeps the variance divided by n - 1",
    ),
    Operator(
        "LayerNormalization",
        (Input("X", ranks=(1, 6)), Input("scale", ranks=(1, 5)), Input("B", ranks=(1, 5), is_optional=True)),
        (_AXIS, _EPSILON),
        shapes.layer_normalization,
        Batch.KEPT,
        axes.normalized,
    ),
    Operator(
        "GroupNormalization",
        (Input("X", ranks=(2, 5)), _SCALE, _SHIFT),
        (Attribute("num_groups", Whole(1, 4096)), _EPSILON),
        shapes.group_normalization,
        Batch.KEPT,
        axes.channels_and_space,
    ),
    Operator(
        "LRN",
        (Input("X", ranks=(3, 5)),),
        (
            Attribute("size", Whole(1, 4096), hides=True, usual=(5,)),
            _number("alpha", 1e-4),
            _number("beta", 0.75, 0.5),
            _number("bias", 1.0, 2.0),
        ),
        shapes.lrn,
        Batch.KEPT,
        axes.channels,
    ),
    # moving numbers
    Operator("Reshape", (Input("X", ANY),), (_SHAPE,), shapes.reshape, Batch.RESHAPED),
    Operator("Transpose", (Input("X", ANY),), (Attribute("perm", AXES),), shapes.transpose, Batch.MOVED),
    Operator("Expand", (Input("X", ANY),), (_SHAPE,), shapes.expand, Batch.BROADCAST),
    Operator("Concat", (Input("X", ANY),), (_AXIS,), shapes.concat, Batch.KEPT, axes.one, is_variadic=True),
    Operator(
        "Slice",
        (Input("X", ANY),),
        (_AXIS, Attribute("start", Extent()), Attribute("end", Extent()), Attribute("step", Whole(-64, 64), 1)),
        shapes.slice_,
        Batch.KEPT,
        axes.sliced,
    ),
    Operator("Gather", (Input("X", ANY), Input("indices", (INT,))), (_AXIS,), shapes.gather, Batch.GATHERED, axes.one),
    Operator(
        "Pad",
        (Input("X"),),
        (
            Attribute("pads", Pads(64)),
            Attribute("mode", Choice(("constant", "reflect", "edge")), "constant"),
            Attribute("value", Real(), 0.0, hides=True, usual=(0.0,)),
        ),
        shapes.pad,
        Batch.KEPT,
        axes.padded,
    ),
    Operator(
        "Tile", (Input("X", ANY),), (Attribute("repeats", Wholes(1, 4096)),), shapes.tile, Batch.KEPT, axes.repeated
    ),
    Operator(
        "Range",
        (),
        tuple(Attribute(name, Whole(-(1 << 31), 1 << 31), hides=True) for name in ("start", "limit", "delta")),
        shapes.range_,
        Batch.CREATED,
        kind=INT,
    ),
    Operator("Cast", (Input("X", ANY),), (Attribute("to", Choice((FLOAT, INT, BOOL))),), shapes.same, Batch.BROADCAST),
    Operator("StopGradient", (Input("X", ANY),), (), shapes.same, Batch.BROADCAST, note="ours"),
    # reductions
    *map(_reduction, ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2")),
    Operator("Softmax", (Input("X"),), (_AXIS,), shapes.along_axis, Batch.KEPT, axes.one),
    Operator("LogSoftmax", (Input("X"),), (_AXIS,), shapes.along_axis, Batch.KEPT, axes.one),
    # number by number
    *map(_unary, ("Neg", "Abs", "Sqrt", "Reciprocal", "Exp", "Log", "Erf", "Sin", "Cos", "Relu", "Sigmoid", "Tanh")),
    *map(_unary, ("Softplus", "Softsign", "HardSwish", "Mish")),
    _unary("Elu", _number("alpha", 1.0)),
    _unary("Celu", _number("alpha", 1.0, least=1e-6)),
    _unary("Selu"),
    _unary("LeakyRelu", _number("alpha", 0.01, 0.2, 0.3)),
    _unary("HardSigmoid", _number("alpha", 1 / 6, 0.2), _number("beta", 0.5)),
    _unary("Gelu", Attribute("approximate", Choice(("none", "tanh")), "none")),
    _unary("Shrink", _number("lambd", 0.5, least=0), _number("bias", 0.0, 0.5)),
    _unary(
        "Clip",
        Attribute("min", Real(may_be_absent=True), None, hides=True, usual=(None, 0.0, -1.0)),
        Attribute("max", Real(may_be_absent=True), None, hides=True, usual=(None, 1.0, 6.0)),
    ),
    *map(_binary, ("Add", "Sub", "Mul", "Min", "Max")),
    *(_binary(name, (FLOAT,)) for name in ("Div", "Pow")),
    _binary("PRelu", (FLOAT,)),
    *(_binary(name, kind=BOOL) for name in ("Less", "LessOrEqual", "Greater", "GreaterOrEqual")),
    Operator(
        "Where",
        (Input("condition", (BOOL,)), Input("X", NUMBERS), Input("Y", NUMBERS)),
        (),
        shapes.stretched,
        Batch.BROADCAST,
    ),
    # images
    Operator(
        "GridSample",
        (Input("X", ranks=(4, 4)), Input("grid", ranks=(4, 4))),
        (
            Attribute("mode", Choice(("bilinear", "nearest")), "bilinear"),
            Attribute("padding_mode", Choice(("zeros", "border")), "zeros"),
            Attribute("align_corners", Flag(), False),
        ),
        shapes.grid_sample,
        Batch.GRID,
        axes.space,
    ),
    Operator(
        "AffineGrid",
        (Input("theta", ranks=(3, 3)),),
        (Attribute("size", Sizes()), Attribute("align_corners", Flag(), False)),
        shapes.affine_grid,
        Batch.KEPT,
        axes.channels_and_space,
    ),
    Operator(
        "Resize",
        (Input("X", ranks=(4, 4)),),
        (
            Attribute("sizes", Wholes(1, 128)),
            Attribute("mode", Choice(("nearest", "linear"))),
            Attribute("coordinates", Choice(("half_pixel", "asymmetric", "align_corners"))),
        ),
        shapes.resize,
        Batch.KEPT,
        axes.space,
        note="`coordinates` is ONNX's coordinate_transformation_mode",
    ),
    # random numbers, in training only
    Operator(
        "Dropout",
        (Input("X"),),
        (_number("ratio", 0.5, 0.25, least=0, most=0.999),),
        shapes.same,
        Batch.BROADCAST,
        is_random=True,
        note="each number is kept with probability 1 - ratio and then divided by it",
    ),
    Operator(
        "RandomUniform",
        (),
        (_SHAPE, _number("low", 0.0), _number("high", 1.0)),
        shapes.given,
        Batch.CREATED,
        is_random=True,
    ),
    Operator(
        "RandomNormal",
        (),
        (_SHAPE, _number("mean", 0.0), _number("scale", 1.0)),
        shapes.given,
        Batch.CREATED,
        is_random=True,
    ),
    Operator(
        "Bernoulli",
        (),
        (_SHAPE, _number("p", 0.5, least=0, most=1)),
        shapes.given,
        Batch.CREATED,
        is_random=True,
    ),
)

OPERATORS: Mapping[str, Operator] = {row.name: row for row in _ROWS}
"""Each operator by its name."""
