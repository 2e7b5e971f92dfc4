"""Rules for PyTorch's operators that compute number by number, and for reductions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.artifact.torch.rules import Function, Takes, rules
from harness.artifact.torch.views import Reference
from harness.artifact.torch.writer import Number, Operand, Writer, axes_of, axis_of, whole
from harness.language.graph import Kind, Value
from harness.language.refusals import not_supported
from harness.language.sizes import Dimension, product

_SELU = (1.6732632423543772, 1.0507009873554805)


def _unary(operator: str, **attributes: object) -> Function:
    return lambda w, x: w.emit(operator, x, **attributes)


def _binary(operator: str) -> Function:
    return lambda w, a, b: w.binary(operator, a, b)


def _elu(w: Writer, x: Value, alpha: Number, scale: Number, input_scale: Number) -> Value:
    if input_scale != 1:
        raise not_supported("an ELU with a scaled input")
    if math.isclose(alpha, _SELU[0]) and math.isclose(scale, _SELU[1]):
        return w.emit("Selu", x)
    return _value(w, w.scaled(w.emit("Elu", x, alpha=alpha), scale))


def _softplus(w: Writer, x: Value, beta: Number, threshold: Number) -> Value:
    if threshold != 20 or beta == 0:
        raise not_supported("a softplus with a threshold other than 20")
    if beta == 1:
        return w.emit("Softplus", x)
    return w.binary("Div", w.emit("Softplus", w.binary("Mul", x, beta)), beta)


def _glu(w: Writer, x: Value, axis: int) -> Value:
    k = axis_of(axis, x.rank)
    whole_axis = whole(x.shape[k], "a gated axis")
    if whole_axis % 2:
        raise not_supported("a gated axis of odd size")
    halves = ((0, whole_axis // 2), (whole_axis // 2, whole_axis))
    value, gate = (w.emit("Slice", x, axis=k, start=start, end=end) for start, end in halves)
    return w.emit("Mul", value, w.emit("Sigmoid", gate))


def _log_sigmoid(w: Writer, x: Value) -> tuple[Value, None]:
    return w.emit("Neg", w.emit("Softplus", w.emit("Neg", x))), None


def _threshold(w: Writer, x: Value, threshold: Number, number: Number) -> Value:
    is_above = w.emit("Greater", x, w.constant(threshold))
    return w.emit("Where", is_above, x, w.constant(number))


def _add(w: Writer, a: Value, b: Operand, alpha: Number) -> Value:
    return w.binary("Add", a, w.scaled(b, alpha))


def _sub(w: Writer, a: Value, b: Operand, alpha: Number) -> Value:
    return w.binary("Sub", a, w.scaled(b, alpha))


def _rsub(w: Writer, a: Value, b: Operand, alpha: Number) -> Value:
    return w.binary("Sub", b, w.scaled(a, alpha))


def _mul(w: Writer, a: Reference, b: Reference | Number) -> Value:
    """A product; of a value and a mask that is used once, Dropout itself."""
    pair = [w.value(operand) if isinstance(operand, Reference) else operand for operand in (a, b)]
    for operand, mask, reference in ((*pair, b), (*pair[::-1], a)):
        if isinstance(mask, Value) and mask.name in w.masks and isinstance(reference, Reference):
            is_once = reference.storage.uses - reference.storage.writes == 1
            if is_once and isinstance(operand, Value) and (operand.shape, operand.kind) == (mask.shape, Kind.FLOAT):
                found = w.masks[mask.name]
                return w.draw("Dropout", found.draw, operand, ratio=found.ratio)
    return w.binary("Mul", *pair)


def _div(w: Writer, a: Value, b: Operand) -> Value:
    return w.emit("Div", *(_float(w, operand) for operand in (a, b)))


def _float(w: Writer, operand: Operand) -> Value:
    return w.cast(operand, Kind.FLOAT) if isinstance(operand, Value) else w.constant(operand)


def _value(w: Writer, operand: Operand) -> Value:
    return operand if isinstance(operand, Value) else w.constant(operand)


def _power(w: Writer, x: Value, exponent: Number) -> Value:
    if exponent == 2:
        return w.emit("Mul", x, x)
    if exponent == 3:
        return w.emit("Mul", w.emit("Mul", x, x), x)
    if exponent == 0.5:
        return w.emit("Sqrt", x)
    return w.emit("Reciprocal", x) if exponent == -1 else w.binary("Pow", x, exponent)


def _clip(w: Writer, x: Value, least: Number | None, most: Number | None) -> Value:
    return w.emit("Clip", x, min=least, max=most)


def _clamped(w: Writer, x: Value, least: Value | None, most: Value | None) -> Value:
    above = x if least is None else w.binary("Max", x, least)
    return above if most is None else w.binary("Min", above, most)


def _addcmul(w: Writer, x: Value, a: Value, b: Value, factor: Number) -> Value:
    return w.binary("Add", x, w.scaled(w.binary("Mul", a, b), factor))


def _addcdiv(w: Writer, x: Value, a: Value, b: Value, factor: Number) -> Value:
    return w.binary("Add", x, w.scaled(_div(w, a, b), factor))


def _lerp(w: Writer, start: Value, end: Value, weight: Operand) -> Value:
    return w.binary("Add", start, w.binary("Mul", w.binary("Sub", end, start), weight))


def _where(w: Writer, condition: Value, a: Operand, b: Operand) -> Value:
    return w.emit("Where", condition, *w.alike(a, b))


def _masked(w: Writer, x: Value, mask: Value, number: Operand) -> Value:
    filling = w.cast(number, x.kind) if isinstance(number, Value) else w.constant(number, x.kind)
    return w.emit("Where", mask, filling, x)


def _triangle(operator: str) -> Function:
    def rule(w: Writer, x: Value, diagonal: Dimension) -> Value:
        """Numbers at columns below or above a diagonal, 0 elsewhere."""
        if x.rank < 2:
            raise not_supported("a triangle of a vector")
        rows, columns = (whole(size, "a triangle") for size in x.shape[-2:])
        first = w.emit("Range", start=0, limit=columns, delta=1)
        edge = w.emit("Range", start=0, limit=rows, delta=1)
        edge = w.binary("Add", edge, whole(diagonal, "a triangle"))
        is_kept = w.emit(operator, first, w.emit("Reshape", edge, shape=(rows, 1)))
        return w.emit("Where", is_kept, x, w.constant(0, x.kind))

    return rule


def _reduction(operator: str) -> Function:
    def rule(
        w: Writer, x: Value, axes: Sequence[int] | None = None, keep: bool = False, kind: Kind | None = None
    ) -> Value:
        if kind not in (None, Kind.FLOAT):
            raise not_supported("a reduction to whole numbers")
        return w.emit(operator, x, axes=axes_of(axes, x.rank), keepdims=keep)

    return rule


def _all(operator: str) -> Function:
    reduced = _reduction(operator)
    return lambda w, x, kind=None: reduced(w, x, None, False, kind)


def _extreme(operator: str) -> Function:
    """A maximum or minimum along one axis; its indices are not in the language."""
    return lambda w, x, axis, keep: (w.emit(operator, x, axes=(axis_of(axis, x.rank),), keepdims=keep), None)


def _norm(w: Writer, x: Value, order: Number, axes: Sequence[int] | None, keep: bool, kind: Kind | None) -> Value:
    reductions = {2: "ReduceL2", 1: "ReduceSum", math.inf: "ReduceMax", -math.inf: "ReduceMin"}
    if order not in reductions or kind not in (None, Kind.FLOAT):
        raise not_supported(f"a norm of order {order}")
    numbers = x if order == 2 else w.emit("Abs", x)
    return w.emit(reductions[order], numbers, axes=axes_of(axes, x.rank), keepdims=keep)


def _variance(w: Writer, x: Value, axes: Sequence[int] | None, correction: Number | None, keep: bool) -> Value:
    reduced = axes_of(axes, x.rank)
    deviation = w.emit("Sub", x, w.emit("ReduceMean", x, axes=reduced, keepdims=True))
    mean = w.emit("ReduceMean", w.emit("Mul", deviation, deviation), axes=reduced, keepdims=keep)
    less = 1 if correction is None else correction
    if less == 0:
        return mean
    count = whole(product(x.shape[axis] for axis in reduced), "an unbiased variance")
    if count <= less:
        raise not_supported("a variance of too few numbers")
    return _value(w, w.scaled(mean, count / (count - less)))


def _deviation(w: Writer, x: Value, axes: Sequence[int] | None, correction: Number | None, keep: bool) -> Value:
    return w.emit("Sqrt", _variance(w, x, axes, correction, keep))


def _variance_and_mean(
    w: Writer, x: Value, axes: Sequence[int] | None, correction: Number | None, keep: bool
) -> tuple[Value, Value]:
    mean = w.emit("ReduceMean", x, axes=axes_of(axes, x.rank), keepdims=keep)
    return _variance(w, x, axes, correction, keep), mean


def _softmax(operator: str) -> Function:
    def rule(w: Writer, x: Value, axis: int, is_half: object) -> Value:
        if is_half not in (False, None, Kind.FLOAT):
            raise not_supported("a softmax of half floats")
        return w.emit(operator, x, axis=axis_of(axis, x.rank))

    return rule


_VALUES: dict[str, Function] = {
    **{
        f"{name}(Tensor self)": _unary(operator)
        for name, operator in {
            "relu": "Relu",
            "tanh": "Tanh",
            "sigmoid": "Sigmoid",
            "mish": "Mish",
            "hardswish": "HardSwish",
            "selu": "Selu",
            "neg": "Neg",
            "abs": "Abs",
            "sqrt": "Sqrt",
            "exp": "Exp",
            "log": "Log",
            "reciprocal": "Reciprocal",
            "erf": "Erf",
            "sin": "Sin",
            "cos": "Cos",
        }.items()
    },
    "hardsigmoid(Tensor self)": _unary("HardSigmoid", alpha=1 / 6, beta=0.5),
    "silu(Tensor self)": lambda w, x: w.emit("Mul", x, w.emit("Sigmoid", x)),
    "square(Tensor self)": lambda w, x: w.emit("Mul", x, x),
    "rsqrt(Tensor self)": lambda w, x: w.emit("Reciprocal", w.emit("Sqrt", x)),
    "log1p(Tensor self)": lambda w, x: w.emit("Log", w.binary("Add", x, 1)),
    "expm1(Tensor self)": lambda w, x: w.binary("Sub", w.emit("Exp", x), 1),
    "celu(Tensor self, Scalar alpha=1.)": lambda w, x, alpha: w.emit("Celu", x, alpha=alpha),
    "elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1)": _elu,
    "leaky_relu(Tensor self, Scalar negative_slope=0.01)": lambda w, x, a: w.emit("LeakyRelu", x, alpha=a),
    "hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1)": _clip,
    "softplus(Tensor self, Scalar beta=1, Scalar threshold=20)": _softplus,
    'gelu(Tensor self, *, str approximate="none")': lambda w, x, how: w.emit("Gelu", x, approximate=how),
    "log_sigmoid_forward(Tensor self)": _log_sigmoid,
    "softshrink(Tensor self, Scalar lambd=0.5)": lambda w, x, a: w.emit("Shrink", x, lambd=a, bias=a),
    "hardshrink(Tensor self, Scalar lambd=0.5)": lambda w, x, a: w.emit("Shrink", x, lambd=a, bias=0),
    "threshold(Tensor self, Scalar threshold, Scalar value)": _threshold,
    "_prelu_kernel(Tensor self, Tensor weight)": lambda w, x, slope: w.emit("PRelu", x, slope),
    "glu(Tensor self, int dim=-1)": _glu,
    "add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1)": _add,
    "add.Scalar(Tensor self, Scalar other, Scalar alpha=1)": _add,
    "sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1)": _sub,
    "sub.Scalar(Tensor self, Scalar other, Scalar alpha=1)": _sub,
    "rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1)": _rsub,
    "rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1)": _rsub,
    "mul.Scalar(Tensor self, Scalar other)": _binary("Mul"),
    "div.Tensor(Tensor self, Tensor other)": _div,
    "div.Scalar(Tensor self, Scalar other)": _div,
    "pow.Tensor_Scalar(Tensor self, Scalar exponent)": _power,
    "pow_.Scalar(Tensor self, Scalar exponent)": _power,
    "pow.Tensor_Tensor(Tensor self, Tensor exponent)": _binary("Pow"),
    "pow.Scalar(Scalar self, Tensor exponent)": _binary("Pow"),
    "maximum(Tensor self, Tensor other)": _binary("Max"),
    "minimum(Tensor self, Tensor other)": _binary("Min"),
    "clamp(Tensor self, Scalar? min=None, Scalar? max=None)": _clip,
    "clamp_min(Tensor self, Scalar min)": lambda w, x, least: _clip(w, x, least, None),
    "clamp_max(Tensor self, Scalar max)": lambda w, x, most: _clip(w, x, None, most),
    "clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None)": _clamped,
    "clamp_min.Tensor(Tensor self, Tensor min)": _binary("Max"),
    "clamp_max.Tensor(Tensor self, Tensor max)": _binary("Min"),
    "addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1)": _addcmul,
    "addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1)": _addcdiv,
    "lerp.Scalar(Tensor self, Tensor end, Scalar weight)": _lerp,
    "lerp.Tensor(Tensor self, Tensor end, Tensor weight)": _lerp,
    "where.self(Tensor condition, Tensor self, Tensor other)": _where,
    "masked_fill.Scalar(Tensor self, Tensor mask, Scalar value)": _masked,
    "masked_fill.Tensor(Tensor self, Tensor mask, Tensor value)": _masked,
    **{
        f"{name}.{overload}(Tensor self, {overload} other)": _binary(operator)
        for name, operator in {"lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual"}.items()
        for overload in ("Scalar", "Tensor")
    },
    "tril(Tensor self, SymInt diagonal=0)": _triangle("LessOrEqual"),
    "triu(Tensor self, SymInt diagonal=0)": _triangle("GreaterOrEqual"),
    "mean(Tensor self, *, ScalarType? dtype=None)": _all("ReduceMean"),
    "mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None)": _reduction("ReduceMean"),
    "sum(Tensor self, *, ScalarType? dtype=None)": _all("ReduceSum"),
    "sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None)": _reduction("ReduceSum"),
    "amax(Tensor self, int[1] dim=[], bool keepdim=False)": _reduction("ReduceMax"),
    "amin(Tensor self, int[1] dim=[], bool keepdim=False)": _reduction("ReduceMin"),
    "max(Tensor self)": _all("ReduceMax"),
    "min(Tensor self)": _all("ReduceMin"),
    "max.dim(Tensor self, int dim, bool keepdim=False)": _extreme("ReduceMax"),
    "min.dim(Tensor self, int dim, bool keepdim=False)": _extreme("ReduceMin"),
    "var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False)": _variance,
    "std.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False)": _deviation,
    "var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False)": (
        _variance_and_mean
    ),
    "linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, "
    "ScalarType? dtype=None)": _norm,
    "_softmax(Tensor self, int dim, bool half_to_float)": _softmax("Softmax"),
    "_log_softmax(Tensor self, int dim, bool half_to_float)": _softmax("LogSoftmax"),
    "_safe_softmax(Tensor self, int dim, ScalarType? dtype=None)": _softmax("Softmax"),
}

_IN_PLACE = """relu tanh sigmoid silu mish hardswish hardsigmoid selu celu elu leaky_relu hardtanh gelu neg abs sqrt exp
    log reciprocal square rsqrt sin cos add.Tensor add.Scalar sub.Tensor sub.Scalar mul.Scalar div.Tensor clamp
    clamp_min clamp_max clamp.Tensor clamp_min.Tensor clamp_max.Tensor addcmul addcdiv lerp.Scalar masked_fill.Scalar
    masked_fill.Tensor threshold tril triu""".split()

_REFERENCES: dict[str, Function] = {"mul.Tensor(Tensor self, Tensor other)": _mul}

RULES = (
    *rules(_VALUES, in_place=_IN_PLACE),
    *rules(_REFERENCES, Takes.REFERENCES, in_place=["mul.Tensor"]),
)
