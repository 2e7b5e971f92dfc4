"""Random models that the compiled engine covers, for hypothesis: stacks of steps of every kind, whatever comes before
and after them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from language_nets import Net, model_of

from harness.language.graph import ModelGraph, Value
from harness.language.sizes import N, Size
from harness.records.graph import OutputKind

MOST = 3_000
"""Numbers of one image's value: enough for every edge of a tile, few enough for float64."""
PLAIN = ("Relu", "Sigmoid", "Tanh", "Selu", "Mish", "Softplus", "Softsign")
ACTIVATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {}) for name in PLAIN),
    ("LeakyRelu", {"alpha": 0.2}),
    ("Elu", {"alpha": 0.7}),
    ("HardSigmoid", {"alpha": 0.2, "beta": 0.5}),
    ("Gelu", {"approximate": "none"}),
    ("Gelu", {"approximate": "tanh"}),
    ("Clip", {"min": -0.5, "max": 0.75}),
    ("Clip", {"min": 0.0, "max": None}),
    ("Clip", {"min": None, "max": 0.5}),
    ("Clip", {"min": 0.75, "max": 0.25}),
    ("HardSwish", {}),
)
Step = Callable[[Net], Any]


@dataclass(frozen=True)
class Made:
    """A model, how its outputs are read, and the calls that made it, in words."""

    model: ModelGraph
    kind: OutputKind
    story: tuple[str, ...]

    def __repr__(self) -> str:
        return f"input {self.model.input_shape}, {', '.join(self.story)}, {self.kind}"


def size(value: Value) -> tuple[int, ...]:
    """Without the images' axis."""
    assert all(isinstance(part, int) for part in value.shape[1:])
    return tuple(int(part) for part in value.shape[1:] if not isinstance(part, Size))


class Maker:
    """Draws steps one after the other; `steps` makes them again on another net."""

    def __init__(self, draw: Callable[..., Any], net: Net) -> None:
        self.draw, self.net = draw, net
        self.steps: list[Step] = []
        self.story: list[str] = []
        self.saved: list[Value] = []
        self.shared: list[tuple[str, int, tuple[int, ...]]] = []

    def add(self, text: str, step: Step) -> None:
        """Make a step, and remember it."""
        step(self.net)
        self.steps.append(step)
        self.story.append(text)

    def whole(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    @property
    def dims(self) -> tuple[int, ...]:
        return size(self.net.last)

    def window(self, most: int = 7, pads: int = 3) -> dict[str, Any] | None:
        """Kernel, strides, pads and dilations that fit."""
        space = self.dims[1:]
        kernel = [self.whole(1, most) for _ in space]
        dilations = [self.one_of(1, 1, 1, 2, 3) for _ in space]
        around = [(self.whole(0, pads), self.whole(0, pads)) if self.draw(st.booleans()) else (0, 0) for _ in space]
        for k, whole in enumerate(space):
            if (kernel[k] - 1) * dilations[k] + 1 > whole + sum(around[k]):
                kernel[k], dilations[k] = min(kernel[k], whole), 1
        strides = [self.one_of(1, 1, 1, 2, 3) for _ in space]
        return {"kernel": tuple(kernel), "strides": strides, "pads": around, "dilations": dilations}

    def convolution(self) -> None:
        if len(self.dims) < 2:
            return
        window = self.window()
        channels = self.dims[0]
        group = self.one_of(1, 1, *(g for g in range(2, channels + 1) if channels % g == 0))
        filters = self.whole(1, max(1, min(40, 80 // group))) * group if group < channels else channels
        filters = min(filters, 40 // group * group or group)
        bias = self.draw(st.booleans())
        kernel = window.pop("kernel")
        if _area(self.dims[1:], kernel, window) * filters > MOST:
            filters = group
        name = f"c{len(self.steps)}"

        def step(net: Net) -> None:
            weight = net.tensor(f"{name}.weight", filters, channels // group, *kernel)
            net.then("Conv", weight, *net._bias(name, filters, bias), group=group, **window)

        self.add(f"conv {filters}x{kernel} group {group} bias {bias} {window}", step)

    def pooling(self) -> None:
        if len(self.dims) < 2:
            return
        operator = self.one_of("MaxPool", "AveragePool")
        space = self.dims[1:]
        if self.draw(st.booleans()):
            kernel = tuple(min(self.whole(1, 3), whole) for whole in space)
            settings: dict[str, Any] = {"strides": kernel, "pads": [(0, 0)] * len(space), "dilations": [1] * len(space)}
        else:
            settings = self.window(4, 2)
            kernel = settings.pop("kernel")
            kernel = tuple(min(k, whole) for k, whole in zip(kernel, space, strict=True))
            pairs = zip(settings["pads"], kernel, strict=True)
            settings["pads"] = [tuple(min(pad, size // 2) for pad in pair) for pair, size in pairs]
            if operator == "AveragePool":
                settings["dilations"] = [1] * len(space)
                settings["count_include_pad"] = self.draw(st.booleans())
        settings["ceil_mode"] = self.draw(st.booleans())
        spans = [(k - 1) * d + 1 for k, d in zip(kernel, settings["dilations"], strict=True)]
        if any(span > whole for span, whole in zip(spans, space, strict=True)):
            return
        self.add(f"{operator} {kernel} {settings}", lambda net: net.then(operator, kernel_shape=kernel, **settings))

    def overall(self) -> None:
        if len(self.dims) < 2:
            return
        space = tuple(range(2, len(self.dims) + 1))
        name = self.one_of("ReduceMean", "ReduceMax", "AdaptiveAveragePool", "AdaptiveMaxPool")
        if name.endswith(("Max", "MaxPool")) and math.prod(self.dims[1:]) > 120:
            return
        if name.startswith("Reduce"):
            keepdims = self.draw(st.booleans())
            self.add(f"{name} keep {keepdims}", lambda net: net.then(name, axes=space, keepdims=keepdims))
        else:
            sizes = tuple(self.one_of(*(s for s in range(1, whole + 1) if whole % s == 0)) for whole in self.dims[1:])
            self.add(f"{name} {sizes}", lambda net: net.then(name, sizes=sizes))

    def activation(self) -> None:
        name, settings = self.one_of(*ACTIVATIONS)
        self.add(f"{name} {settings or ''}", lambda net: net.then(name, **settings))

    def normalization(self) -> None:
        if not self.dims:
            return
        frozen, name = self.one_of(False, False, True), f"n{len(self.steps)}"
        settings = {
            "epsilon": self.one_of(1e-5, 1e-3),
            "momentum": self.one_of(0.9, 0.99),
            "unbiased": self.draw(st.booleans()),
        }
        more = {"training": False} if frozen else {}
        self.add(f"batch norm frozen {frozen} {settings}", lambda net: net.norm(name, **settings, **more))

    def dropout(self) -> None:
        ratio = self.one_of(0.25, 0.5, 0.9)
        self.add(f"dropout {ratio}", lambda net: net.then("Dropout", ratio=ratio) if net.is_training else net)

    def numbers(self) -> None:
        """A value and weights or a constant, by an operator, whichever comes first."""
        operator, reverse = self.one_of("Add", "Sub", "Mul", "Div"), self.draw(st.booleans())
        rank = self.whole(0, len(self.dims))
        shape = tuple(self.one_of(1, part) for part in self.dims[len(self.dims) - rank :])
        if len(self.dims) > 3:
            shape = ()
        if len(shape) == len(self.dims) and self.draw(st.booleans()):
            shape = (1, *shape)
        is_constant, name, trained = self.draw(st.booleans()), f"s{len(self.steps)}", self.one_of(True, True, False)
        if operator == "Div" and reverse:
            self.add("Sigmoid before a quotient", lambda net: net.then("Sigmoid"))

        def step(net: Net) -> None:
            numbers = np.random.default_rng(len(shape)).uniform(0.5, 1.5, shape)
            other = net.constant(numbers) if is_constant else net.tensor(f"{name}.near1", *shape, trainable=trained)
            net.last = net.emit(operator, *((other, net.last) if reverse else (net.last, other)))

        self.add(f"{operator} {shape} reversed {reverse} constant {is_constant} trained {trained}", step)

    def slicing(self) -> None:
        if not self.dims:
            return
        axis = self.whole(1, len(self.dims))
        whole = self.dims[axis - 1]
        if self.draw(st.booleans()):
            start, end, step = 0, whole, -self.whole(1, 3)
        else:
            start = self.whole(0, whole - 1)
            end, step = self.whole(start + 1, whole), self.whole(1, 3)
        settings = {"axis": axis, "start": start, "end": end, "step": step}
        self.add(f"slice {settings}", lambda net: net.then("Slice", **settings))

    def transposition(self) -> None:
        perm = tuple(self.draw(st.permutations(range(1, len(self.dims) + 1))))
        self.add(f"transpose {perm}", lambda net: net.transpose(0, *perm))

    def reshaping(self) -> None:
        total, dims = math.prod(self.dims), list[int]()
        for _ in range(self.whole(0, 2)):
            dims.append(self.one_of(*(d for d in range(1, min(total, 64) + 1) if total % d == 0)))
            total //= dims[-1]
        shape = (*dims, total)
        self.add(f"reshape {shape}", lambda net: net.reshape(N, *shape))

    def padding(self) -> None:
        pads = [(0, 0), *((self.whole(0, 2), self.whole(0, 2)) for _ in self.dims)]
        grown = math.prod(d + sum(pair) for d, pair in zip(self.dims, pads[1:], strict=True))
        if grown <= MOST and len(self.dims) <= 3:
            self.add(f"pad {pads}", lambda net: net.then("Pad", pads=pads, mode="constant", value=0.0))

    def stop(self) -> None:
        self.add("stop", lambda net: net.then("StopGradient"))

    def save(self) -> None:
        """Keep a value for a sum or a concatenation further on."""
        place = len(self.saved)
        self.saved.append(self.net.last)

        def step(net: Net) -> None:
            net.saved = {**getattr(net, "saved", {}), place: net.last}

        self.add(f"save {place}", step)

    def join(self) -> None:
        """A sum with an earlier value, or a concatenation."""
        choices = [k for k, value in enumerate(self.saved) if _joinable(size(value), self.dims)]
        if not choices:
            return
        place = self.one_of(*choices)
        other = size(self.saved[place])
        axes = _joinable(other, self.dims)
        how = self.one_of(*(("Add", "Sub") if other == self.dims else ()), "Concat")
        reverse, axis = self.draw(st.booleans()), self.one_of(*axes)

        def step(net: Net) -> None:
            pair = [net.last, net.saved[place]][:: -1 if reverse else 1]
            net.last = net.emit(how, *pair, **({"axis": axis} if how == "Concat" else {}))

        if how != "Concat" or math.prod(other) + math.prod(self.dims) <= MOST:
            self.add(f"{how} with {place} axis {axis} reversed {reverse}", step)

    def dense(self) -> None:
        if len(self.dims) != 1:
            count = math.prod(self.dims)
            self.add("flat", lambda net: net.reshape(N, count))
        self._dense(self.whole(1, 40))

    def _dense(self, units: int) -> None:
        inputs, name = self.dims[0], f"d{len(self.steps)}"
        form, bias = self.one_of("transB", "plain", "transposed", "reshaped", "moved"), self.one_of("bias", "Add", "")
        trained = self.one_of(True, True, True, False)
        half = next(d for d in (4, 3, 2, 1) if inputs % d == 0)

        def step(net: Net) -> None:
            shape = {"transB": (units, inputs), "transposed": (units, inputs)}.get(form, (inputs, units))
            shape = {"reshaped": (half, inputs // half, units), "moved": (inputs // half, half, units)}.get(form, shape)
            weight = net.tensor(f"{name}.weight", *shape, trainable=trained)
            if form == "transposed":
                weight = net.emit("Transpose", weight, perm=(1, 0))
            if form == "moved":
                weight = net.emit("Transpose", weight, perm=(1, 0, 2))
            if form in ("reshaped", "moved"):
                weight = net.emit("Reshape", weight, shape=(inputs, units))
            given = [net.tensor(f"{name}.bias", units)] if bias else []
            net.then("Gemm", weight, *(given if bias == "bias" else ()), transB=form == "transB")
            if bias == "Add":
                net.then("Add", *given)

        self.add(f"dense {inputs} to {units} {form} {bias or 'no bias'} trained {trained}", step)

    def twice(self) -> None:
        """A square dense layer, used again."""
        if len(self.dims) != 1 or self.dims[0] > 40:
            return
        units, name = self.dims[0], f"t{len(self.steps)}"

        def step(net: Net) -> None:
            weight, bias = net.tensor(f"{name}.weight", units, units), net.tensor(f"{name}.bias", units)
            for flag in (True, False):
                net.then("Gemm", weight, bias, transB=flag).then("Tanh")

        self.add("one dense layer twice", step)

    def finish(self) -> OutputKind:
        if self.dims != (10,):
            count = math.prod(self.dims)
            if len(self.dims) != 1:
                self.add("flat", lambda net: net.reshape(N, count))
            self._dense(10)
        kind = self.one_of(*OutputKind)
        operator = {OutputKind.PROBABILITIES: "Softmax", OutputKind.LOG_PROBABILITIES: "LogSoftmax"}.get(kind)
        if operator:
            self.add(operator, lambda net: net.then(operator, axis=1))
        return kind


def _area(space: tuple[int, ...], kernel: tuple[int, ...], window: dict[str, Any]) -> int:
    lengths = [
        (whole + sum(pads) - (k - 1) * dilation - 1) // stride + 1
        for whole, k, pads, dilation, stride in zip(
            space, kernel, window["pads"], window["dilations"], window["strides"], strict=True
        )
    ]
    return math.prod(lengths)


def _joinable(one: tuple[int, ...], other: tuple[int, ...]) -> list[int]:
    """The axes along which two values can be joined."""
    if len(one) != len(other):
        return []
    different = [k + 1 for k, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
    return different if len(different) == 1 else list(range(1, len(one) + 1)) if not different else []


KINDS = (
    "convolution convolution convolution pooling pooling activation activation activation normalization dropout numbers "
    "numbers slicing transposition reshaping padding save save join join dense twice overall stop"
).split()


@st.composite
def models(draw: Callable[..., Any], most: int = 6, kinds: tuple[str, ...] = tuple(KINDS), least: int = 1) -> Made:
    """A model of up to so many steps."""
    rank = draw(st.sampled_from((3, 3, 3, 2, 1)))
    shape = {3: (draw(st.integers(1, 4)), *(draw(st.integers(3, 15)) for _ in range(2)))}.get(
        rank, tuple(draw(st.integers(2, 24)) for _ in range(rank))
    )
    maker = Maker(draw, Net(*shape, is_training=True))
    for _ in range(draw(st.integers(least, most))):
        getattr(maker, draw(st.sampled_from(kinds)))()
    kind = maker.finish()
    return Made(model_of(lambda net: _again(net, maker.steps), *shape), kind, tuple(maker.story))


def _again(net: Net, steps: list[Step]) -> Net:
    for step in steps:
        step(net)
    return net


def weights_for(model: ModelGraph, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Numbers that keep values near 1, by the labels of tensors."""
    chance, found = np.random.default_rng(seed), {}
    for tensor in model.tensors:
        numbers = chance.standard_normal(tensor.shape)
        found[tensor.name] = np.asarray(_scaled(tensor.label, tensor.shape, numbers, chance), np.float32)
    return found


def _scaled(label: str, shape: tuple[int, ...], numbers: Any, chance: Any) -> Any:
    part = label.rpartition(".")[2]
    if part == "near1" or part == "var" or (label[0] == "n" and part == "weight"):
        return chance.uniform(0.5, 1.5, shape)
    if part == "weight":
        return numbers * math.sqrt(2 / max(1, math.prod(shape) / max(shape[0], shape[-1])))
    return numbers * 0.3


def batch_for(model: ModelGraph, count: int, seed: int) -> tuple[Any, Any]:
    """Images and labels."""
    chance = np.random.default_rng(seed + 1)
    images = chance.integers(0, 256, (count, *model.input_shape), dtype=np.uint8)
    return images, chance.integers(0, 10, count, dtype=np.uint8)
