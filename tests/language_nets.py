"""Models of the language put together by hand: one call for each operator, which reads the one before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from harness.language.builder import Builder, kind_of
from harness.language.graph import Graph, Kind, ModelGraph, Value
from harness.language.sizes import Dimension, N, Size
from harness.language.text import assembled
from harness.model.table import layer_table
from harness.records.framework import Framework
from harness.records.graph import Tensor, TensorKind
from harness.records.layer import LayerTable


class Net:
    """A graph in the making. `last` is what the next operator reads; without a training graph of its own, a model
    trains on the evaluation graph."""

    def __init__(self, *input_shape: int, framework: Framework = Framework.TORCH, is_training: bool = False) -> None:
        self.framework, self.input_shape, self.is_training = framework, input_shape or (1, 28, 28), is_training
        self.build = Builder(self.input_shape, ())
        self.tensors: list[Tensor] = []
        self.labels: dict[str, str] = {}
        self.last = self.build.images

    def tensor(
        self, label: str, *shape: int, kind: str = "parameter", trainable: bool = True, dtype: str = "F32"
    ) -> Value:
        is_trainable = trainable and kind == "parameter"
        tensor = Tensor(f"t{len(self.tensors)}", TensorKind(kind), is_trainable, shape, dtype, label)
        self.tensors.append(tensor)
        value = self.build.values[tensor.name] = Value(tensor.name, shape, kind_of(tensor))
        self.build._fixed.add(tensor.name)
        return value

    def constant(self, numbers: Any) -> Value:
        array = np.asarray(numbers)
        return self.build.constant(array, {"i": Kind.INT, "b": Kind.BOOL}.get(array.dtype.kind, Kind.FLOAT))

    def emit(self, operator: str, *inputs: Value, **attributes: Any) -> Value:
        return self.build.emit(operator, *inputs, **attributes)

    def then(self, operator: str, *more: Value, **attributes: Any) -> Net:
        self.last = self.emit(operator, self.last, *more, **attributes)
        return self

    def at(self, value: Value) -> Net:
        """Go on from a value."""
        self.last = value
        return self

    def reshape(self, *shape: Dimension) -> Net:
        return self.then("Reshape", shape=shape)

    def transpose(self, *perm: int) -> Net:
        return self.then("Transpose", perm=perm)

    def scale(self, number: float) -> Net:
        return self.then("Mul", self.constant(float(number)))

    def conv(
        self, label: str, filters: int, kernel: int = 5, *, bias: bool = True, group: int = 1, **window: Any
    ) -> Net:
        space = self.last.rank - 2
        weight = self.tensor(f"{label}.weight", filters, _number(self.last.shape[1]) // group, *[kernel] * space)
        return self.convolve(weight, *self._bias(label, filters, bias), group=group, **window)

    def convolve(
        self, weight: Value, *bias: Value, pad: int = 0, stride: int = 1, dilation: int = 1, group: int = 1
    ) -> Net:
        space = self.last.rank - 2
        settings = {"strides": [stride] * space, "pads": [(pad, pad)] * space, "dilations": [dilation] * space}
        return self.then("Conv", weight, *bias, group=group, **settings)

    def pool(self, operator: str = "MaxPool", kernel: int = 2, stride: int = 0, pad: int = 0) -> Net:
        space = self.last.rank - 2
        settings = {"strides": [stride or kernel] * space, "pads": [(pad, pad)] * space, "dilations": [1] * space}
        return self.then(operator, kernel_shape=[kernel] * space, **settings)

    def flat(self) -> Net:
        return self.reshape(N, int(np.prod(self.last.shape[1:])))

    def linear(self, label: str, units: int, *, bias: bool = True) -> Net:
        weight = self.tensor(f"{label}.weight", units, _number(self.last.shape[-1]))
        return self.then("Gemm", weight, *self._bias(label, units, bias), transB=True)

    def _bias(self, label: str, size: int, bias: bool) -> list[Value]:
        return [self.tensor(f"{label}.bias", size)] if bias else []

    def linear_rows(self) -> Net:
        """A dense layer on each row of (rows, N, numbers), folded together."""
        rows, numbers = self.last.shape[0], self.last.shape[2]
        return self.reshape(N * _number(rows), numbers).linear("rows", 5, bias=False)

    def norm(self, label: str, **settings: Any) -> Net:
        channels = _number(self.last.shape[1])
        weights = [self.tensor(f"{label}.{name}", channels) for name in ("weight", "bias")]
        weights += [self.tensor(f"{label}.{name}", channels, kind="buffer") for name in ("mean", "var")]
        settings = {"epsilon": 1e-5, "training": self.is_training, "unbiased": True} | settings
        return self.then("BatchNormalization", *weights, **settings)

    def named(self, label: str) -> Net:
        """The student's name of the last operator."""
        self.labels[self.last.name] = label
        return self

    def graph(self) -> Graph:
        return self.build.finish(self.last).graph

    def model(self, training: Graph | None = None) -> ModelGraph:
        graph = self.graph()
        model = assembled(self.framework, self.input_shape, self.tensors, training or graph, graph)
        return replace(model, labels=self.labels)

    def table(self, training: Graph | None = None, **settings: Any) -> LayerTable:
        return layer_table(self.model(training), **settings)


def _number(dimension: Dimension) -> int:
    assert not isinstance(dimension, Size)
    return dimension


def model_of(make: Callable[[Net], Net], *input_shape: int, **settings: Any) -> ModelGraph:
    """A model whose training and evaluation graphs are made by the same calls, in the two modes."""
    training = make(Net(*input_shape, is_training=True, **settings))
    evaluation = make(Net(*input_shape, **settings))
    assert training.tensors == evaluation.tensors
    return evaluation.model(training.graph())


def torch_lenet5(net: Net | None = None) -> Net:
    net = (net or Net()).conv("conv1", 6, pad=2).then("Relu").pool()
    net.conv("conv2", 16).then("Relu").pool().flat()
    return net.linear("fc1", 120).then("Relu").linear("fc2", 84).then("Relu").linear("fc3", 10)


def keras_conv(net: Net, label: str, filters: int, kernel: int = 5, pad: int = 0, **window: Any) -> Net:
    """On images with the channels last, with a kernel (height, width, channels, filters); the bias is added."""
    weight = net.tensor(f"{label}/kernel", kernel, kernel, _number(net.last.shape[3]), filters)
    net.transpose(0, 3, 1, 2).convolve(net.emit("Transpose", weight, perm=(3, 2, 0, 1)), pad=pad, **window)
    return net.transpose(0, 2, 3, 1).then("Add", net.tensor(f"{label}/bias", filters))


def keras_dense(net: Net, label: str, units: int) -> Net:
    net.then("Gemm", net.tensor(f"{label}/kernel", _number(net.last.shape[1]), units))
    return net.then("Add", net.tensor(f"{label}/bias", units))


def keras_pool(net: Net, operator: str = "AveragePool") -> Net:
    return net.transpose(0, 3, 1, 2).pool(operator).transpose(0, 2, 3, 1)


def keras_lenet5() -> Net:
    net = Net(28, 28, 1, framework=Framework.TENSORFLOW)
    keras_pool(keras_conv(net, "conv2d", 6, pad=2).then("Tanh"))
    keras_pool(keras_conv(net, "conv2d_1", 16).then("Tanh")).flat()
    for label, units in (("dense", 120), ("dense_1", 84), ("dense_2", 10)):
        keras_dense(net, label, units)
    return net
