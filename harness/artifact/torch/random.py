"""Rules for PyTorch's operators that create numbers or draw them at random."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.artifact.torch.rules import OPTIONS, Function, Takes, rules
from harness.artifact.torch.views import Reference, unwritten, write
from harness.artifact.torch.writer import Mask, Number, Writer, kind_of_number
from harness.language.graph import Kind, Value
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimension, Dimensions

_LIKE = f"{OPTIONS}, MemoryFormat? memory_format=None"
_GENERATOR = "*, Generator? generator=None"
_LEAST_KEPT = 1e-3
_DIGITS = 12
"""1 - 0.9 is 0.1 to this many digits."""


def _shape(x: Reference) -> Dimensions:
    return x.view.value.shape


def _filled(number: Number) -> Function:
    def rule(w: Writer, sizes: Sequence[Dimension], kind: Kind | None) -> Value:
        return w.filled(sizes, number, kind or Kind.FLOAT)

    return rule


def _full(w: Writer, sizes: Sequence[Dimension], number: Number, kind: Kind | None) -> Value:
    return w.filled(sizes, number, kind or kind_of_number(number))


def _filled_like(number: Number) -> Function:
    return lambda w, x, kind: _full_like(w, x, number, kind)


def _full_like(w: Writer, x: Reference, number: Number, kind: Kind | None) -> Value:
    return w.filled(_shape(x), number, kind or x.view.value.kind)


def _new_filled(number: Number) -> Function:
    return lambda w, x, sizes, kind: _new_full(w, x, sizes, number, kind)


def _new_full(w: Writer, x: Reference, sizes: Sequence[Dimension], number: Number, kind: Kind | None) -> Value:
    return w.filled(sizes, number, kind or x.view.value.kind)


def _empty(x: Reference, shape: Dimensions, kind: Kind | None) -> Value:
    if (kind or x.view.value.kind) is not Kind.FLOAT:
        raise not_supported("memory for whole numbers that nothing was written to")
    return unwritten(shape)


def _scalar(w: Writer, number: Number, kind: Kind | None) -> Value:
    return w.constant(number, kind or Kind.FLOAT)


def _arange(w: Writer, start: Number, end: Number, step: Number, kind: Kind | None) -> Value:
    numbers = (start, end, step)
    if step == 0 or not all(math.isfinite(number) for number in numbers):
        raise invalid("a range of finitely many numbers", f"steps of {step:.6g}")
    is_whole = all(type(number) is int for number in numbers)
    wanted = kind or (Kind.INT if is_whole else Kind.FLOAT)
    if all(number == int(number) for number in numbers):
        found = w.emit("Range", start=int(start), limit=int(end), delta=int(step))
        return w.cast(found, wanted)
    count = (end - start) / step
    if wanted is not Kind.FLOAT or not math.isfinite(count):
        raise not_supported("a range of whole numbers in other steps")
    return _steps(w, start, step, math.ceil(count))


def _steps(w: Writer, start: Number, step: Number, count: int) -> Value:
    positions = w.cast(w.emit("Range", start=0, limit=count, delta=1), Kind.FLOAT)
    return w.binary("Add", w.binary("Mul", positions, float(step)), float(start))


def _linspace(w: Writer, start: Number, end: Number, count: int, kind: Kind | None) -> Value:
    if kind not in (None, Kind.FLOAT) or count < 1 or not math.isfinite(end - start):
        raise not_supported("such a range of numbers")
    return w.filled([1], float(start)) if count == 1 else _steps(w, start, (end - start) / (count - 1), count)


def _bernoulli(w: Writer, x: Reference, p: float) -> Value:
    return w.draw("Bernoulli", w.here(), shape=_shape(x), p=p)


def _divided(w: Writer, x: Reference, number: Number) -> Value:
    """What is kept with probability p, divided by p in place before anything reads it, is a mask: Dropout of ones."""
    value = w.value(x)
    node = w.builder.made_by(value, "Bernoulli")
    is_unread = x.storage.uses == x.storage.writes
    if node is None or node.attributes["p"] != number or not is_unread or number < _LEAST_KEPT:
        return w.binary("Div", w.cast(value, Kind.FLOAT), w.constant(number))
    draw, ratio = w.draw_of(value), round(1 - node.attributes["p"], _DIGITS)
    mask = w.draw("Dropout", draw, w.filled(value.shape, 1.0), ratio=ratio)
    w.masks[mask.name] = Mask(ratio, draw)
    return mask


def _native_dropout(w: Writer, x: Value, p: float, is_training: bool | None) -> tuple[Value, None]:
    if is_training is False:
        return x, None
    return w.draw("Dropout", w.here(1), x, ratio=p), None


def _rrelu(w: Writer, x: Reference, noise: Reference, lower: Number, upper: Number, is_training: bool) -> Value:
    """Random slopes below 0. The original keeps them in `noise`, which counts as its result 1."""
    value = w.value(x)
    if not is_training:
        return w.emit("LeakyRelu", value, alpha=(lower + upper) / 2)
    if noise.storage.tensor is not None or noise.view.parent is not None or noise.storage is x.storage:
        raise not_supported("random slopes that are kept in a tensor of the model")
    if _shape(noise) != value.shape:
        raise invalid("noise for each number", f"{len(_shape(noise))} axes")
    write(w, noise.view, unwritten(_shape(noise)))
    slopes = w.draw("RandomUniform", w.here(1), shape=value.shape, low=lower, high=upper)
    return w.emit("PRelu", value, slopes)


def _uniform(w: Writer, shape: Sequence[Dimension], low: float = 0.0, high: float = 1.0) -> Value:
    return w.draw("RandomUniform", w.here(), shape=tuple(shape), low=low, high=high)


def _normal(w: Writer, shape: Sequence[Dimension], mean: float = 0.0, scale: float = 1.0) -> Value:
    return w.draw("RandomNormal", w.here(), shape=tuple(shape), mean=mean, scale=scale)


def _drawn(w: Writer, sizes: Sequence[Dimension], kind: Kind | None, how: Function) -> Value:
    if kind not in (None, Kind.FLOAT):
        raise not_supported("random whole numbers")
    result = how(w, sizes)
    assert isinstance(result, Value)
    return result


def _copied(w: Writer, _: Reference, source: Reference) -> Value:
    return w.value(source)


_VALUES: dict[str, Function] = {
    f"zeros(SymInt[] size, *, {OPTIONS})": _filled(0.0),
    f"ones(SymInt[] size, *, {OPTIONS})": _filled(1.0),
    f"full(SymInt[] size, Scalar fill_value, *, {OPTIONS})": _full,
    f"scalar_tensor(Scalar s, *, {OPTIONS})": _scalar,
    f"arange(Scalar end, *, {OPTIONS})": lambda w, end, kind: _arange(w, 0, end, 1, kind),
    f"arange.start(Scalar start, Scalar end, *, {OPTIONS})": lambda w, a, b, kind: _arange(w, a, b, 1, kind),
    f"arange.start_step(Scalar start, Scalar end, Scalar step=1, *, {OPTIONS})": _arange,
    f"linspace(Scalar start, Scalar end, int steps, *, {OPTIONS})": _linspace,
    f"rand(SymInt[] size, *, {OPTIONS})": lambda w, sizes, kind: _drawn(w, sizes, kind, _uniform),
    f"randn(SymInt[] size, *, {OPTIONS})": lambda w, sizes, kind: _drawn(w, sizes, kind, _normal),
    "native_dropout(Tensor input, float p, bool? train)": _native_dropout,
}

_REFERENCES: dict[str, Function] = {
    f"zeros_like(Tensor self, *, {_LIKE})": _filled_like(0.0),
    f"ones_like(Tensor self, *, {_LIKE})": _filled_like(1.0),
    f"full_like(Tensor self, Scalar fill_value, *, {_LIKE})": _full_like,
    f"new_zeros(Tensor self, SymInt[] size, *, {OPTIONS})": _new_filled(0.0),
    f"new_ones(Tensor self, SymInt[] size, *, {OPTIONS})": _new_filled(1.0),
    f"new_full(Tensor self, SymInt[] size, Scalar fill_value, *, {OPTIONS})": _new_full,
    f"empty_like(Tensor self, *, {_LIKE})": lambda _, x, kind: _empty(x, _shape(x), kind),
    f"new_empty(Tensor self, SymInt[] size, *, {OPTIONS})": lambda _, x, sizes, kind: _empty(x, tuple(sizes), kind),
    f"rand_like(Tensor self, *, {_LIKE})": lambda w, x, kind: _drawn(w, _shape(x), kind, _uniform),
    f"randn_like(Tensor self, *, {_LIKE})": lambda w, x, kind: _drawn(w, _shape(x), kind, _normal),
    f"bernoulli_.float(Tensor self, float p=0.5, {_GENERATOR})": _bernoulli,
    f"bernoulli.p(Tensor self, float p, {_GENERATOR})": _bernoulli,
    "div_.Scalar(Tensor self, Scalar other)": _divided,
    f"uniform_(Tensor self, float from=0., float to=1., {_GENERATOR})": lambda w, x, a, b: _uniform(w, _shape(x), a, b),
    f"normal_(Tensor self, float mean=0., float std=1., {_GENERATOR})": lambda w, x, a, b: _normal(w, _shape(x), a, b),
    "zero_(Tensor self)": lambda w, x: _full_like(w, x, 0.0, None),
    "fill_.Scalar(Tensor self, Scalar value)": lambda w, x, number: _full_like(w, x, number, None),
    "fill_.Tensor(Tensor self, Tensor value)": _copied,
    "copy_(Tensor self, Tensor src, bool non_blocking=False)": _copied,
    "rrelu_with_noise(Tensor self, Tensor noise, Scalar lower=0.125, Scalar upper=0.33333333333333331, "
    "bool training=False, Generator? generator=None)": _rrelu,
}

RULES = (*rules(_VALUES), *rules(_REFERENCES, Takes.REFERENCES))
