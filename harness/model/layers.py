"""From a measured graph to the layer table: parameters, shapes and multiply-accumulates, each count spelled out.

Formulas: a convolution has (kernel height * kernel width * input channels / groups + 1) * filters parameters and output
height * output width * filters * kernel height * kernel width * input channels / groups multiply-accumulates; a dense
layer (inputs + 1) * units and inputs * units (LeCun et al. 1998, section II.B). Without a bias there is no + 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from harness.records.graph import INPUT, ModelGraph, Operation, OutputKind, Shape, Tensor, TensorKind, Window
from harness.records.layer import Layer, LayerTable

_PASSES_VALUES_ON = {"identity", "reshape", "transpose"}
_ALWAYS_A_ROW = {"conv2d", "max_pool", "avg_pool"}
_WITHOUT_FORMULA = {"conv2d": "convolution", "dense": "matmul"}
_NAMED = 64
_FEW_INTEGERS = 16
_MANY_LITERALS = 100
_PIECE_BITS = 256
_PIECE = (1 << _PIECE_BITS) - 1


def conv2d(
    label: str, input_shape: Shape, filters: int, window: Window, *, bias: bool = True, groups: int = 1
) -> Layer:
    """A 2-D convolution on `input_shape` (channels, height, width), counted by the formula."""
    height, width = _spatial(input_shape[1:], window)
    inputs = input_shape[0] // groups
    weights = math.prod(window.kernel) * inputs * filters
    spelled = f"{window.kernel[0]}*{window.kernel[1]}*{inputs}"
    return Layer(
        kind="conv2d",
        label=label,
        input_shape=input_shape,
        output_shape=(filters, height, width),
        window=window,
        bias=bias,
        groups=groups,
        parameters=weights + filters * bias,
        macs=height * width * weights,
        formula=_spell(weights + filters * bias, spelled, filters, bias),
    )


def dense(label: str, input_shape: Shape, units: int, *, bias: bool = True) -> Layer:
    """A fully connected layer on the last axis of `input_shape`, counted by the formula."""
    inputs = input_shape[-1]
    parameters = (inputs + bias) * units
    return Layer(
        kind="dense",
        label=label,
        input_shape=input_shape,
        output_shape=(*input_shape[:-1], units),
        bias=bias,
        parameters=parameters,
        macs=math.prod(input_shape) * units,
        formula=_spell(parameters, str(inputs), units, bias),
    )


def pool(kind: str, label: str, input_shape: Shape, window: Window) -> Layer:
    """A max or average pooling of `input_shape` (channels, height, width)."""
    output_shape = (input_shape[0], *_spatial(input_shape[1:], window))
    return Layer(kind=kind, label=label, input_shape=input_shape, output_shape=output_shape, window=window)


def _spatial(size: Shape, window: Window) -> tuple[int, int]:
    """Output height and width: floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1."""
    top, bottom, left, right = window.padding
    sides = []
    for axis, border in enumerate((top + bottom, left + right)):
        reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1
        sides.append((size[axis] + border - reach) // window.stride[axis] + 1)
    return sides[0], sides[1]


def _spell(total: int, inputs: str, outputs: int, bias: bool) -> str:
    return f"{total:,} = ({inputs} + 1) * {outputs}" if bias else f"{total:,} = {inputs} * {outputs}"


def layer_table(graph: ModelGraph) -> LayerTable:
    """The layer table of a measured graph (every operation has its shape)."""
    reader = _read(graph)
    unused = tuple(t for t in graph.tensors if t.name not in graph.used and t.is_float)
    kind, softmaxes = output_kind(graph)
    outputs = reader.shape_of(graph.output)
    return LayerTable(
        tuple(reader.layers), unused, graph.tensors, kind, softmaxes, outputs, _beside(graph, reader.layers)
    )


def rows_of(graph: ModelGraph) -> tuple[list[Layer], dict[str, int]]:
    """The layers of a measured graph, and for each operation that makes one, or adds its bias, the layer's position."""
    reader = _read(graph)
    return reader.layers, reader.layer_of


def _read(graph: ModelGraph) -> _Reader:
    reader = _Reader(graph)
    for operation in graph.operations:
        reader.read(operation)
    return reader


def _beside(graph: ModelGraph, layers: Iterable[Layer]) -> tuple[Tensor, ...]:
    """Capacity that no layer of the evaluation graph has: tensors with which training could write weights instead of
    learning them, and more literals than a formula needs, as if they were one tensor."""
    alone = graph.used - {name for layer in layers for name in layer.tensors}
    beside = [t for t in graph.tensors if t.name in alone and t.kind is not TensorKind.PARAMETER]
    label = "written into the forward pass"
    literals = Tensor("", TensorKind.CONSTANT, False, (graph.literals,), "F32", label)
    return (*(t for t in beside if _is_capacity(t)), *[literals] * (graph.literals > _MANY_LITERALS))


def output_kind(graph: ModelGraph) -> tuple[OutputKind, int]:
    """What the outputs are, and how many softmaxes follow each other at the end of the graph."""
    by_name = {operation.name: operation for operation in graph.operations}
    kinds: list[str] = []
    name = graph.output
    while (operation := by_name.get(name)) is not None:
        if operation.kind in ("softmax", "log_softmax", "log"):
            kinds.append(operation.kind)
        elif operation.kind not in _PASSES_VALUES_ON:
            break
        name = operation.inputs[0] if operation.inputs else ""
    softmaxes = sum(kind != "log" for kind in kinds)
    if not softmaxes:
        return OutputKind.LOGITS, 0
    if kinds[0] == "log_softmax" or kinds[:2] == ["log", "softmax"]:
        return OutputKind.LOG_PROBABILITIES, softmaxes
    return OutputKind.PROBABILITIES if kinds[0] == "softmax" else OutputKind.LOGITS, softmaxes


@dataclass
class _Reader:
    """Reads operations in execution order and collects layers.

    A set of tensors is a bit mask, so that no graph can make this slow.
    """

    graph: ModelGraph
    layers: list[Layer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tensors = {tensor.name: tensor for tensor in self.graph.tensors}
        self._shapes: dict[str, Shape] = {INPUT: _channels_first(self.graph.input_shape)}
        self._weights = {t.name: _is_capacity(t) << index for index, t in enumerate(self.graph.tensors)}
        self._weight_shapes = {name: tensor.shape for name, tensor in self._tensors.items()}
        self.layer_of: dict[str, int] = {}
        self._counted = 0

    def shape_of(self, name: str) -> Shape:
        """Shape of a value that depends on the image; empty for one that does not."""
        return self._shapes.get(name, ())

    def read(self, operation: Operation) -> None:
        """Process one operation: a weight on its way to a layer, a bias, a layer, or nothing to count."""
        data = [name for name in operation.inputs if name in self._shapes]
        tensors = self._tensors_of(operation)
        if not data:
            self._weights[operation.name] = tensors
            self._weight_shapes[operation.name] = self._weight_shape(operation)
            return
        shape = operation.shape if operation.shape is not None else self._shapes[data[0]]
        self._shapes[operation.name] = shape
        if self._is_bias(operation, data[0], tensors):
            index = self.layer_of[data[0]]
            self.layers[index] = self._count(replace(self.layers[index], bias=True), tensors)
        elif tensors or shape != self._shapes[data[0]] or operation.kind in _ALWAYS_A_ROW:
            self.layer_of[operation.name] = len(self.layers)
            self.layers.append(self._layer(operation, self._shapes[data[0]], shape, tensors))
        elif operation.kind == "identity" and data[0] in self.layer_of:
            self.layer_of[operation.name] = self.layer_of[data[0]]

    def _tensors_of(self, operation: Operation) -> int:
        found = 0
        for name in operation.inputs:
            found |= self._weights.get(name, 0)
        return found

    def _members(self, tensors: int) -> Iterator[Tensor]:
        """The tensors of a set in their order, one piece of the number at a time: a step with all of it takes long."""
        first = 0
        while tensors:
            piece = tensors & _PIECE
            while piece:
                lowest = piece & -piece
                yield self.graph.tensors[first + lowest.bit_length() - 1]
                piece ^= lowest
            tensors >>= _PIECE_BITS
            first += _PIECE_BITS

    def _weight_shape(self, operation: Operation) -> Shape:
        """A weight that is only passed on keeps its shape; one that is computed has the measured one."""
        if operation.kind == "identity" and operation.inputs:
            return self._weight_shapes.get(operation.inputs[0], ())
        return operation.shape or ()

    def _is_bias(self, operation: Operation, source: str, tensors: int) -> bool:
        if operation.kind != "add" or tensors.bit_count() != 1 or source not in self.layer_of:
            return False
        layer = self.layers[self.layer_of[source]]
        if layer.kind not in ("conv2d", "dense") or layer.bias:
            return False
        outputs = layer.output_shape[0] if layer.kind == "conv2d" else layer.output_shape[-1]
        return next(self._members(tensors)).size == outputs

    def _layer(self, operation: Operation, before: Shape, after: Shape, tensors: int) -> Layer:
        label = _layer_label([t.label for t in islice(self._members(tensors), _NAMED)]) or operation.label
        is_conv2d = operation.kind in ("conv2d", "depthwise_conv2d")
        if is_conv2d and len(before) == len(after) == 3 and operation.window:
            layer = self._conv2d(operation, label, before, after)
        elif operation.kind == "dense" and tensors and before and after:
            layer = dense(label, before, after[-1], bias=len(operation.inputs) > 2)
        elif operation.kind in _WITHOUT_FORMULA:
            layer = Layer(_WITHOUT_FORMULA[operation.kind], before, after, label)
        else:
            window = _resolve(operation.window, before, after) if operation.window else None
            kind = "flatten" if operation.kind == "reshape" and len(after) == 1 else operation.kind
            layer = Layer(kind, before, after, label, window)
        return self._count(layer, tensors)

    def _conv2d(self, operation: Operation, label: str, before: Shape, after: Shape) -> Layer:
        assert operation.window is not None
        kernel = self._kernel(operation.inputs[1]) if len(operation.inputs) > 1 else (1, 1)
        window = _resolve(replace(operation.window, kernel=kernel), before, after)
        bias = len(operation.inputs) > 2
        return conv2d(label, before, after[0], window, bias=bias, groups=self._groups(operation, before[0]))

    def _groups(self, operation: Operation, channels: int) -> int:
        """Groups of a convolution, which not every operator states: each sees as many channels as its kernel has."""
        if operation.kind == "depthwise_conv2d":
            return max(1, channels)
        kernel = self._weight_shapes.get(operation.inputs[1], ()) if len(operation.inputs) > 1 else ()
        if len(kernel) != 4:
            return operation.groups
        return max(1, channels // max(1, kernel[self._axis("I")]))

    def _kernel(self, name: str) -> tuple[int, int]:
        """Kernel (height, width)."""
        shape = self._weight_shapes.get(name, ())
        if len(shape) != 4:
            return (1, 1)
        return shape[self._axis("H")], shape[self._axis("W")]

    def _axis(self, letter: str) -> int:
        """Which axis of a convolution's kernel has the height (H), the width (W) or the channels of its input (I)."""
        return self.graph.framework.facts.kernel_layout.index(letter)

    def _count(self, layer: Layer, tensors: int) -> Layer:
        """The layer with the tensors it really has; each tensor is counted where it is used first."""
        every = [*(self._tensors[name] for name in layer.tensors), *self._members(tensors & ~self._counted)]
        shared = islice(self._members(tensors & self._counted), _NAMED)
        self._counted |= tensors
        statistics = self.graph.updated if layer.kind == "normalization" else frozenset()
        trained = sum(t.size for t in every if t.trainable)
        frozen = sum(t.size for t in every if t.kind is TensorKind.PARAMETER and not t.trainable)
        constants = sum(t.size for t in every if t.kind is not TensorKind.PARAMETER and t.name not in statistics)
        counted = replace(
            layer,
            parameters=trained,
            frozen=frozen,
            constants=constants,
            tensors=tuple(t.name for t in every),
            shared=(*layer.shared, *(t.name for t in shared)),
        )
        capacity = [t for t in every if t.name not in statistics]
        return replace(counted, formula=_formula(counted, capacity))


def _formula(layer: Layer, tensors: Iterable[Tensor]) -> str:
    """The count by the layer's own formula where it holds, else the sum of the tensors' sizes."""
    if not layer.size:
        return ""
    if layer.kind == "conv2d" and layer.window:
        spelled = conv2d(
            "", layer.input_shape, layer.output_shape[0], layer.window, bias=layer.bias, groups=layer.groups
        )
    elif layer.kind == "dense":
        spelled = dense("", layer.input_shape, layer.output_shape[-1], bias=layer.bias)
    else:
        spelled = None
    if spelled is not None and spelled.parameters == layer.size:
        return spelled.formula
    return f"{layer.size:,} = {' + '.join(f'{t.size:,}' for t in tensors)}"


def _channels_first(shape: Shape) -> Shape:
    """An image with one channel at the end, as the table shows it."""
    return (shape[2], *shape[:2]) if len(shape) == 3 and shape[2] == 1 else shape


def _is_capacity(tensor: Tensor) -> bool:
    """Numbers a model computes with. A single constant number (a scale, an epsilon) is not capacity, nor are a few
    integers (a counter, a shape, the state of a generator); a table of integers is, because it can hold weights."""
    if not tensor.is_float:
        return tensor.size > _FEW_INTEGERS
    return tensor.kind is not TensorKind.CONSTANT or tensor.size > 1


def _resolve(window: Window, before: Shape, after: Shape) -> Window:
    """The window with the padding that `same` stands for: as much as the output needs, the odd pixel at the end."""
    if not window.same or len(before) != 3 or len(after) != 3:
        return replace(window, same=False)
    sides: list[int] = []
    for axis in (0, 1):
        reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        total = max((after[axis + 1] - 1) * window.stride[axis] + reach - before[axis + 1], 0)
        sides += [total // 2, total - total // 2]
    return replace(window, padding=(sides[0], sides[1], sides[2], sides[3]), same=False)


def _layer_label(labels: list[str]) -> str:
    """The student's name of a layer: the part of its tensors' names before `.weight` or `/kernel`."""
    name = next((label for label in labels if label), "")
    return re.sub(r"[./][^./]*$", "", name)
