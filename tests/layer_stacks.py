"""Layer tables assembled from parts, and their checks by name."""

from dataclasses import dataclass
from typing import Any

import pytest

from harness.model.layers import conv2d, dense, pool
from harness.model.verify import verify
from harness.records.check import Check, Outcome
from harness.records.framework import Framework
from harness.records.graph import Shape, Tensor, TensorKind, Window
from harness.records.layer import Layer, LayerTable
from reference.lenet5 import LENET5

TORCH, KERAS = Framework.TORCH, Framework.TENSORFLOW
FRAMEWORKS = pytest.mark.parametrize("framework", [TORCH, KERAS])
GENERAL = ["input", "output", "parameters", "trainable", "unused", "shared", "hidden", "training_only"]


@dataclass(frozen=True)
class C:
    """A convolution to stack."""

    filters: int
    kernel: int = 5
    pad: int = 0
    stride: int = 1
    dilation: int = 1
    bias: bool = True
    groups: int = 1

    def on(self, shape: Shape, label: str) -> Layer:
        sides = (self.pad,) * 4
        window = Window((self.kernel,) * 2, (self.stride,) * 2, sides, (self.dilation,) * 2)
        return conv2d(label, shape, self.filters, window, bias=self.bias, groups=self.groups)


@dataclass(frozen=True)
class P:
    """A pooling."""

    kernel: int = 2
    stride: int = 2
    pad: int = 0
    kind: str = "max_pool"

    def on(self, shape: Shape, label: str) -> Layer:
        return pool(self.kind, label, shape, Window((self.kernel,) * 2, (self.stride,) * 2, (self.pad,) * 4))


@dataclass(frozen=True)
class D:
    """A dense layer; its input is flattened."""

    units: int
    bias: bool = True

    def on(self, shape: Shape, label: str) -> Layer:
        return dense(label, shape, self.units, bias=self.bias)


@dataclass(frozen=True)
class Pad:
    """A layer that only pads."""

    sides: tuple[int, int, int, int]

    def on(self, shape: Shape, label: str) -> Layer:
        top, bottom, left, right = self.sides
        after = (shape[0], shape[1] + top + bottom, shape[2] + left + right)
        return Layer("pad", shape, after, label, Window((1, 1), padding=self.sides))


@dataclass(frozen=True)
class To:
    """Any layer of a kind, to an output shape."""

    kind: str
    shape: Shape

    def on(self, shape: Shape, label: str) -> Layer:
        return Layer(self.kind, shape, self.shape, label)


Part = C | P | D | Pad | To
LENET: tuple[Part, ...] = (C(6, pad=2), P(), C(16), P(), D(120), D(84), D(10))
REFERENCE_NAMES = ["C1", "S2", "C3", "S4", "C5", "F6", "OUTPUT"]
WEIGHT = Tensor("t0", TensorKind.PARAMETER, True, (6, 1, 5, 5), "F32", "conv1.weight")
BIAS = Tensor("t1", TensorKind.PARAMETER, True, (6,), "F32", "conv1.bias")


def stack(parts: tuple[Part, ...], shape: Shape = (1, 28, 28)) -> tuple[Layer, ...]:
    """The layers of a model whose layers follow each other."""
    layers: list[Layer] = []
    for index, part in enumerate(parts):
        if isinstance(part, D) and len(shape) == 3:
            layers.append(To("flatten", (shape[0] * shape[1] * shape[2],)).on(shape, ""))
            shape = layers[-1].output_shape
        layers.append(part.on(shape, f"layer{index}"))
        shape = layers[-1].output_shape
    return tuple(layers)


def changed(index: int, *parts: Part) -> tuple[Part, ...]:
    return (*LENET[:index], *parts, *LENET[index + 1 :])


def table(layers: tuple[Layer, ...], **fields: Any) -> LayerTable:
    """A table whose last layer gives the output."""
    return LayerTable(layers, output_shape=layers[-1].output_shape if layers else (), **fields)


def checks(layers: tuple[Layer, ...], framework: Framework = TORCH, shape: Shape = (1, 28, 28)) -> dict[str, Check]:
    """Checks by name; a repeated name gets a number."""
    named: dict[str, Check] = {}
    for check in verify(table(layers), shape, framework, LENET5):
        named[check.name if check.name not in named else f"{check.name} {len(named)}"] = check
    return named


def failed(found: dict[str, Check]) -> list[str]:
    return [name for name, check in found.items() if check.outcome is Outcome.FAILED]


def text(found: dict[str, Check]) -> str:
    return "\n".join(f"{c.name}: {c.expected} | {c.found} | {c.try_}" for c in found.values())
