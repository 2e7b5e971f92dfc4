"""Random models that try to make the compiled engine leave its memory: windows at the bounds of the language, views of
views, values read by many, weights and batches of every size."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
from language_nets import Net, model_of

from harness.language.graph import ModelGraph, Value
from harness.language.sizes import N, Size
from harness.records.errors import ArtifactError
from harness.records.graph import OutputKind

MOST = 6_000
"""Numbers of one image's value."""
INPUTS = (
    (1, 28, 28), (28, 28, 1), (28, 28), (784,), (1, 32, 32), (1, 1, 1), (1, 1), (10,), (1,), (3, 5, 4), (1, 1, 7),
    (2, 7, 1), (130, 2, 2), (16, 3, 3), (2, 3, 2, 3), (1, 9, 9),
)  # fmt: skip
ACTIVATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {}) for name in ("Relu", "Relu", "Sigmoid", "Tanh", "Selu", "Mish", "Softplus", "Softsign")),
    ("LeakyRelu", {"alpha": 0.1}),
    ("Elu", {"alpha": 1.0}),
    ("HardSigmoid", {"alpha": 0.2, "beta": 0.5}),
    ("Gelu", {}),
    ("Gelu", {"approximate": "tanh"}),
    ("Clip", {"min": 0.0, "max": 6.0}),
)
STEPS = (
    "conv conv conv conv pool pool windows windows act act act norm norm drop scale scale slice slice transpose transpose "
    "reshape reshape concat concat pad pad add add dense dense tied softmax stop reduce adaptive gate negate depthwise"
).split()
OUTPUTS = {OutputKind.PROBABILITIES: "Softmax", OutputKind.LOG_PROBABILITIES: "LogSoftmax"}


@dataclass(frozen=True)
class Nasty:
    """A model, how its outputs are read, and what was tried in words."""

    model: ModelGraph
    kind: OutputKind
    story: str


class Maker:
    """Adds steps to a net. The same seed adds the same steps in both modes."""

    def __init__(self, seed: int, net: Net) -> None:
        self.random, self.net = random.Random(seed), net
        self.values, self.story = [net.last], [f"input {net.input_shape}"]
        self.filters: list[tuple[Value, ...]] = []

    def make(self) -> Net:
        for _ in range(self.random.choice((1, 2, 3, 4, 6, 9, 14))):
            step = self.random.choice(STEPS)
            try:
                value = getattr(self, f"_{step}")()
            except ArtifactError:
                continue
            if value is not None and 0 < count_of(value) <= MOST:
                self.values.append(value)
        return self.finish()

    def finish(self) -> Net:
        """Ten outputs, of one value or of several."""
        flat = [self.net.emit("Reshape", v, shape=(N, count_of(v))) for v in self.values[-self._some(1, 1, 1, 2, 4) :]]
        last = self.net.emit("Concat", *flat, axis=1)
        count = count_of(last)
        if count >= 10 and self._some(True, False):
            step = self._some(*(step for step in (-1, 1, 2, 3) if step < 0 or count >= 10 * step))
            if step > 0:
                start = self.random.randint(0, count - 10 * step)
                last = self.net.emit("Slice", last, axis=1, start=start, end=start + 10 * step, step=step)
        if count_of(last) != 10:
            last = self._dense_on(last, 10)
        kind = self.kind = self._some(*OutputKind)
        if kind in OUTPUTS and self._some(True, True, False):
            last = self.net.emit(OUTPUTS[kind], last, axis=1)
        self.story.append(f"output {kind}")
        return self.net.at(last)

    def _some(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def _value(self, *ranks: int) -> Value:
        fitting = [value for value in self.values if not ranks or value.rank in ranks]
        return self._some(*(fitting[-2:] if fitting and self._some(True, True, False) else fitting or self.values))

    def _tell(self, what: str, value: Value, **settings: Any) -> None:
        self.story.append(f"{what} of {value.name} {dims_of(value)} {settings or ''}".rstrip())

    def _tensor(self, *shape: int, near_one: bool = False) -> Value:
        label = f"{'one' if near_one else 'w'}{len(self.net.tensors)}"
        return self.net.tensor(label, *shape, trainable=self._some(True, True, True, False))

    def _window(self, space: tuple[int, ...], most_kernel: int) -> dict[str, Any] | None:
        """A kernel that fits somehow, with pads of up to 64."""
        kernels, strides, pads, dilations = [], [], [], []
        for size in space:
            pad = (self._border(), self._border())
            kernel = self._some(1, 1, 2, 3, 3, 5, size, size + sum(pad), self.random.randint(1, 64))
            dilation = self._some(1, 1, 1, 2, 3, self.random.randint(1, 64))
            kernel = min(kernel, most_kernel, 64)
            if (kernel - 1) * dilation + 1 > size + sum(pad):
                dilation = max(1, (size + sum(pad) - 1) // max(1, kernel - 1)) if self._some(True, False) else 1
                dilation = min(dilation, 64)
                kernel = min(kernel, (size + sum(pad) - 1) // dilation + 1)
            kernels.append(kernel)
            strides.append(self._some(1, 1, 1, 2, 3, kernel, self.random.randint(1, 64)))
            pads.append(pad)
            dilations.append(dilation)
        return {"kernel": tuple(kernels), "strides": strides, "pads": pads, "dilations": dilations}

    def _border(self) -> int:
        return self._some(0, 0, 0, 1, 2, 3, self.random.randint(0, 12), self.random.randint(0, 64))

    def _conv(self, *, depthwise: bool = False) -> Value | None:
        x = self._value(3, 4)
        dims = dims_of(x)
        if x.rank not in (3, 4):
            return None
        window = self._window(dims[1:], 64)
        kernel = window.pop("kernel")
        channels = dims[0]
        group = self._some(*(g for g in range(1, channels + 1) if channels % g == 0)) if self._some(True, False) else 1
        group = channels if depthwise else group
        filters = group * self._some(1, 1, 2, 3, 7, 8, 9, 17)
        results = math.prod(window_count(d, k, *rest) for d, k, rest in zip(
            dims[1:], kernel, zip(*(window[n] for n in ("strides", "pads", "dilations")), strict=True), strict=True
        ))  # fmt: skip
        if filters * results > MOST or filters * results * channels // group * math.prod(kernel) > 400_000:
            return None
        shape = (filters, channels // group, *kernel)
        known = [w for w in self.filters if w[0].shape == shape]
        weights = self._some(*known) if known and self._some(True, False) else (self._tensor(*shape),)
        weights = weights if len(weights) > 1 or self._some(True, False) else (*weights, self._tensor(filters))
        self.filters.append(weights)
        self._tell("conv", x, weight=weights[0].name, shape=shape, group=group, **window)
        return self.net.emit("Conv", x, *weights, group=group, **window)

    def _depthwise(self) -> Value | None:
        return self._conv(depthwise=True)

    def _tied(self) -> Value | None:
        """A convolution with weights of an earlier one, and other pads."""
        if not self.filters:
            return None
        weights, x = self._some(*self.filters), self._value(3, 4)
        space = x.rank - 2
        settings = {name: [self._some(1, 1, 2, 3) for _ in range(space)] for name in ("strides", "dilations")}
        pads = [(self._border(), self._border()) for _ in range(space)]
        self._tell("tied conv", x, weight=weights[0].name, pads=pads, **settings)
        return self._small("Conv", x, *weights, pads=pads, **settings)

    def _small(self, operator: str, *inputs: Value, **settings: Any) -> Value | None:
        value = self.net.emit(operator, *inputs, **settings)
        return value if count_of(value) * math.prod(int(str(d)) for d in inputs[1].shape[1:]) < 400_000 else None

    def _pool(self) -> Value | None:
        x = self._value(3, 4)
        if x.rank not in (3, 4):
            return None
        operator = self._some("MaxPool", "AveragePool")
        window = self._window(dims_of(x)[1:], 11)
        kernel = window.pop("kernel")
        window["pads"] = [(min(a, k - 1), min(b, k - 1)) for (a, b), k in zip(window["pads"], kernel, strict=True)]
        more = {"count_include_pad": self._some(True, False)} if operator == "AveragePool" else {}
        settings = {"kernel_shape": kernel, "ceil_mode": self._some(True, False), **window, **more}
        self._tell(operator, x, **settings)
        return self.net.emit(operator, x, **settings)

    def _windows(self) -> Value | None:
        """A pooling whose windows do not overlap, often after a convolution."""
        x = self._value(3, 4)
        if x.rank not in (3, 4):
            return None
        kernel = tuple(min(size, self._some(1, 2, 2, 3, 4)) for size in dims_of(x)[1:])
        settings = {"kernel_shape": kernel, "strides": kernel, "pads": [(0, 0)] * len(kernel)}
        operator = self._some("MaxPool", "AveragePool")
        self._tell(operator, x, **settings)
        return self.net.emit(operator, x, dilations=[1] * len(kernel), ceil_mode=self._some(False, True), **settings)

    def _adaptive(self) -> Value:
        x = self._value(3, 4)
        sizes = tuple(self._some(*(s for s in range(1, d + 1) if d % s == 0)) for d in dims_of(x)[1:])
        self._tell("adaptive", x, sizes=sizes)
        return self.net.emit(self._some("AdaptiveMaxPool", "AdaptiveAveragePool"), x, sizes=sizes)

    def _reduce(self) -> Value:
        x = self._value(3, 4)
        axes = tuple(range(2, x.rank))
        self._tell("reduce", x)
        return self.net.emit(self._some("ReduceMean", "ReduceMax"), x, axes=axes, keepdims=self._some(True, False))

    def _act(self) -> Value:
        x = self._value()
        name, settings = self._some(*ACTIVATIONS)
        self._tell(name, x, **settings)
        return self.net.emit(name, x, **settings)

    def _norm(self) -> Value | None:
        x = self._value()
        if x.rank < 2:
            return None
        settings = {"momentum": self._some(0.9, 0.99, 0.0), "unbiased": self._some(True, False)}
        is_training = self._some(True, True, False) and self.net.is_training
        channels = dims_of(x)[0]
        weights = [self._tensor(channels, near_one=True), self._tensor(channels)]
        weights += [self.net.tensor(f"one{len(self.net.tensors)}", channels, kind="buffer") for _ in range(2)]
        self._tell("norm", x, **settings)
        return self.net.emit("BatchNormalization", x, *weights, epsilon=1e-3, training=is_training, **settings)

    def _drop(self) -> Value:
        x = self._value()
        ratio = self._some(0.5, 0.25, 0.999)
        self._tell("dropout", x, ratio=ratio)
        return self.net.emit("Dropout", x, ratio=ratio) if self.net.is_training else x

    def _scale(self) -> Value:
        x = self._value()
        dims = dims_of(x)
        shape = tuple(self._some(1, d) for d in dims[self.random.randint(0, len(dims)) :])
        if len(shape) == len(dims):
            shape = self._some(shape, (1, *shape))
        other = (
            self._tensor(*shape, near_one=True) if self._some(True, False) else self.net.constant(np.full(shape, 1.5))
        )
        operator, pair = self._some("Add", "Sub", "Mul", "Div"), self._some((x, other), (other, x))
        self._tell(operator, x, shape=shape, reverse=pair[0] is other)
        return self.net.emit(operator, *pair)

    def _slice(self) -> Value:
        x = self._value()
        axis = self.random.randint(1, max(1, x.rank - 1))
        size = (*dims_of(x), 1)[axis - 1]
        settings = {"start": self.random.randint(0, size - 1), "step": self._some(1, 1, 2, 3, 64)}
        settings["end"] = self._some(settings["start"] + 1, self.random.randint(settings["start"] + 1, size))
        if self._some(True, False, False):
            settings = {"start": 0, "end": size, "step": -self._some(1, 1, 2, 3, 64)}
        self._tell("slice", x, axis=axis, **settings)
        return self.net.emit("Slice", x, axis=axis, **settings)

    def _transpose(self) -> Value:
        x = self._value()
        perm = [0, *self.random.sample(range(1, x.rank), x.rank - 1)]
        self._tell("transpose", x, perm=perm)
        return self.net.emit("Transpose", x, perm=perm)

    def _reshape(self) -> Value:
        x = self._value()
        rest, dims = count_of(x), []
        for _ in range(self._some(0, 1, 1, 2, 2, 3)):
            dims.append(self._some(*(d for d in range(1, min(rest, 200) + 1) if rest % d == 0)))
            rest //= dims[-1]
        dims.insert(self.random.randint(0, len(dims)), rest)
        self._tell("reshape", x, dims=dims)
        return self.net.emit("Reshape", x, shape=(N, *dims))

    def _concat(self) -> Value:
        x = self._value()
        axis = self.random.randint(1, max(1, x.rank - 1))
        fitting = [v for v in self.values if v.rank == x.rank and _without(v, axis) == _without(x, axis)]
        parts = [self._some(*fitting) for _ in range(self._some(1, 2, 2, 3, 5))]
        self._tell("concat", x, axis=axis, parts=[part.name for part in parts])
        return self.net.emit("Concat", *self._some((x, *parts), (*parts, x)), axis=axis)

    def _add(self) -> Value:
        x = self._value()
        other = self._some(*(v for v in self.values if v.shape == x.shape))
        self._tell("sum", x, other=other.name)
        return self.net.emit(self._some("Add", "Add", "Sub"), *self._some((x, other), (other, x)))

    def _gate(self) -> Value:
        x = self._value()
        self._tell("gate", x)
        return self.net.emit("Mul", *self.random.sample((x, self.net.emit("Sigmoid", x)), 2))

    def _negate(self) -> Value:
        return self.net.emit("Neg", self._value())

    def _stop(self) -> Value:
        return self.net.emit("StopGradient", self._value())

    def _dense(self) -> Value:
        x = self._value()
        return self._dense_on(self.net.emit("Reshape", x, shape=(N, count_of(x))), self._some(1, 2, 3, 10, 16, 36, 60))

    def _dense_on(self, x: Value, units: int) -> Value:
        inputs, form = count_of(x), self._some("transB", "plain", "turned", "rows")
        self._tell("dense", x, units=units, form=form)
        shape = {"transB": (units, inputs), "turned": (units, inputs), "rows": (inputs, 1, units)}
        weight = self._tensor(*shape.get(form, (inputs, units)))
        if form == "turned":
            weight = self.net.emit("Transpose", weight, perm=(1, 0))
        if form == "rows":
            weight = self.net.emit("Reshape", weight, shape=(inputs, units))
        bias = [self._tensor(units)] * self._some(0, 1)
        return self.net.emit("Gemm", x, weight, *bias, transB=form == "transB")

    def _softmax(self) -> Value:
        x = self._value(2)
        self._tell("softmax", x)
        return self.net.emit(self._some("Softmax", "LogSoftmax"), x, axis=x.rank - 1)

    def _pad(self) -> Value:
        x = self._value()
        pads = [(0, 0), *((self._some(0, 0, 1, 2, self._border()), self._some(0, 0, 1, 3)) for _ in dims_of(x))]
        self._tell("pad", x, pads=pads)
        return self.net.emit("Pad", x, pads=pads, mode="constant", value=0.0)


def window_count(size: int, kernel: int, stride: int, pads: tuple[int, int], dilation: int) -> int:
    return (size + sum(pads) - dilation * (kernel - 1) - 1) // stride + 1


def _without(value: Value, axis: int) -> tuple[Any, ...]:
    return (*value.shape[:axis], *value.shape[axis + 1 :])


def dims_of(value: Value) -> tuple[int, ...]:
    """Those of one image."""
    return tuple(size for size in value.shape if not isinstance(size, Size))


def count_of(value: Value) -> int:
    """Numbers of one image."""
    return math.prod(dims_of(value))


def nasty(seed: int) -> Nasty:
    """The model of a seed."""
    makers = []

    def make(net: Net) -> Net:
        makers.append(Maker(seed, net))
        return makers[-1].make()

    model = model_of(make, *random.Random(seed).choice(INPUTS))
    return Nasty(model, makers[0].kind, "\n".join(makers[0].story))


def weights_of(model: ModelGraph, seed: int, broken: float = float("nan")) -> dict[str, np.ndarray[Any, Any]]:
    """Numbers near 1 for what is multiplied by; in every seventh model some are `broken`."""
    chance, found = np.random.default_rng(seed), {}
    for tensor in model.tensors:
        fan = max(1, math.prod(tensor.shape[1:]))
        numbers = chance.standard_normal(tensor.shape) * math.sqrt(1 / fan)
        array = chance.uniform(0.5, 1.5, tensor.shape) if tensor.label.startswith("one") else numbers
        if seed % 7 == 6 and array.size and chance.random() < 0.4:
            array.ravel()[chance.integers(array.size)] = broken
        found[tensor.name] = np.asarray(array, np.float32)
    return found
