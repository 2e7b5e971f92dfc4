"""From the evaluation graph to the rows of the layer table: parameters, shapes and multiply-accumulates.

A row is whatever has parameters or multiply-accumulates, changes the shape, or crops, gathers or reorders images.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from harness.language.dependence import fixed, macs
from harness.language.graph import IMAGES, ModelGraph, Node
from harness.language.sizes import Dimensions, without_batch
from harness.model.layers import conv2d, dense
from harness.records.graph import Shape, Tensor, TensorKind, Window
from harness.records.layer import Layer

_KINDS = {
    "Gemm": "dense",
    "MatMul": "matmul",
    "Conv": "convolution",
    "ConvTranspose": "transposed_convolution",
    "MaxPool": "max_pool",
    "AdaptiveMaxPool": "max_pool",
    "AveragePool": "avg_pool",
    "AdaptiveAveragePool": "avg_pool",
    "LRN": "normalization",
    "BatchNormalization": "normalization",
    "LayerNormalization": "normalization",
    "GroupNormalization": "normalization",
    "PRelu": "activation",
}
_ALWAYS_A_ROW = {
    "MaxPool",
    "AveragePool",
    "AdaptiveMaxPool",
    "AdaptiveAveragePool",
    "Slice",
    "Gather",
    "Pad",
    "Transpose",
}
_MOVE_IMAGES = {"GridSample", "Resize", "Tile", "Concat", "ConvTranspose"}
_TO_CHANNELS_FIRST, _TO_CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
_NAMED = 64
_FEW_INTEGERS = 16
_PIECE_BITS = 256
_PIECE = (1 << _PIECE_BITS) - 1


def kind_of(node: Node) -> str:
    """What a row is called: the field's word for a layer, otherwise the operator's name as `reduce_mean`."""
    return _KINDS.get(node.operator) or re.sub(r"(?<!^)(?=[A-Z][a-z])", "_", node.operator).lower()


def read_rows(graph: ModelGraph) -> Rows:
    """The rows of a model, and which of its operators are in which row. Raises ArtifactError for a size that is no
    multiple of the batch."""
    rows = Rows(graph)
    for node in graph.evaluation.nodes:
        rows.read(node)
    return rows


def is_capacity(tensor: Tensor) -> bool:
    """Numbers a model computes with. A single constant number (a scale, an epsilon) is not capacity, nor are a few
    integers (a counter, a shape, the state of a generator); a table of integers is, because it can hold weights."""
    if not tensor.is_float:
        return tensor.size > _FEW_INTEGERS
    return tensor.kind is not TensorKind.CONSTANT or tensor.size > 1


@dataclass
class Rows:
    """Reads nodes in execution order and collects layers.

    A set of tensors is a bit mask, so that no graph can make this slow.
    """

    graph: ModelGraph
    layers: list[Layer] = field(default_factory=list)
    row_of: dict[str, int] = field(default_factory=dict)
    """For each node that makes a layer, or adds its bias, the layer's position."""

    def __post_init__(self) -> None:
        self._values = self.graph.evaluation.values
        self._fixed = fixed(self.graph.evaluation)
        self._macs = macs(self.graph.evaluation)
        self._tensors = {tensor.name: tensor for tensor in self.graph.tensors}
        self._weights = {t.name: is_capacity(t) << index for index, t in enumerate(self.graph.tensors)}
        shape = self.graph.input_shape
        self._channels_last = {IMAGES: len(shape) == 3 and shape[2] == 1}
        self._counted = 0

    def shape_of(self, name: str) -> Shape:
        """Shape of a value for one image, channels first; empty for a value that does not depend on the image."""
        if name in self._fixed:
            return ()
        shape = without_batch(self._values[name].shape)
        return (shape[2], *shape[:2]) if self.has_channels_last(name) else shape

    def has_channels_last(self, name: str) -> bool:
        """Whether a value is images with their channels in the last axis."""
        return self._channels_last.get(name, False) and self._values[name].rank == 4

    def read(self, node: Node) -> None:
        """Process one node: a weight on its way to a layer, a bias, a layer, or nothing to count."""
        tensors = self._tensors_of(node)
        if node.name in self._fixed:
            self._weights[node.name] = tensors
            return
        data = next((name for name in node.inputs if name not in self._fixed), IMAGES)
        is_layout = self._note_layout(node, data)
        before, after = self.shape_of(data), self.shape_of(node.name)
        if self._is_bias(node, data, tensors):
            index = self.row_of[node.name] = self.row_of[data]
            self.layers[index] = self._count(replace(self.layers[index], bias=True), tensors)
        elif is_layout:
            self._passes_on(node, data)
        elif tensors or before != after or node.name in self._macs or node.operator in _ALWAYS_A_ROW | _MOVE_IMAGES:
            self.row_of[node.name] = len(self.layers)
            self.layers.append(self._count(self._layer(node, before, after, tensors), tensors))
        elif node.operator in ("Cast", "StopGradient"):
            self._passes_on(node, data)

    def _passes_on(self, node: Node, data: str) -> None:
        if data in self.row_of:
            self.row_of[node.name] = self.row_of[data]

    def _note_layout(self, node: Node, data: str) -> bool:
        """Note whether a node's images have their channels last; true where it only moves them there or back."""
        was_last = self._channels_last.get(data, False)
        perm = node.attributes.get("perm") if node.operator == "Transpose" else None
        is_layout = perm == (_TO_CHANNELS_FIRST if was_last else _TO_CHANNELS_LAST)
        keeps = len(self._values[node.name].shape) == len(self._values[data].shape) and node.operator != "Reshape"
        self._channels_last[node.name] = not was_last if is_layout else was_last and keeps
        return is_layout

    def _tensors_of(self, node: Node) -> int:
        found = 0
        for name in node.inputs:
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

    def _is_bias(self, node: Node, source: str, tensors: int) -> bool:
        if node.operator != "Add" or tensors.bit_count() != 1 or source not in self.row_of:
            return False
        layer = self.layers[self.row_of[source]]
        if layer.kind not in ("conv2d", "dense") or layer.bias:
            return False
        outputs = layer.output_shape[0] if layer.kind == "conv2d" else layer.output_shape[-1]
        return next(self._members(tensors)).size == outputs

    def _layer(self, node: Node, before: Shape, after: Shape, tensors: int) -> Layer:
        label = _layer_label([t.label for t in islice(self._members(tensors), _NAMED)])
        label = label or self.graph.labels.get(node.name, "")
        weights = self._values[node.inputs[1]].shape if len(node.inputs) > 1 else ()
        bias = len(node.inputs) > 2
        window = _window(node, weights[2:])
        if node.operator == "Conv" and window is not None and len(before) == len(after) == 3:
            return conv2d(label, before, after[0], window, bias=bias, groups=node.attributes["group"])
        if node.operator == "Gemm" and tensors:
            return dense(label, before, after[-1], bias=bias)
        kind = "flatten" if node.operator == "Reshape" and len(after) == 1 else kind_of(node)
        kind = "matmul" if node.operator == "Gemm" else kind
        return Layer(kind, before, after, label, window, macs=self._macs.get(node.name, 0))

    def _count(self, layer: Layer, tensors: int) -> Layer:
        """The layer with the tensors it really has; each tensor is counted where it is used first."""
        every = [*(self._tensors[name] for name in layer.tensors), *self._members(tensors & ~self._counted)]
        shared = islice(self._members(tensors & self._counted), _NAMED)
        self._counted |= tensors
        statistics = self.graph.statistics if layer.kind == "normalization" else frozenset()
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
        outputs = layer.output_shape[0]
        spelled = conv2d("", layer.input_shape, outputs, layer.window, bias=layer.bias, groups=layer.groups)
    elif layer.kind == "dense":
        spelled = dense("", layer.input_shape, layer.output_shape[-1], bias=layer.bias)
    else:
        spelled = None
    if spelled is not None and spelled.parameters == layer.size:
        return spelled.formula
    return f"{layer.size:,} = {' + '.join(f'{t.size:,}' for t in tensors)}"


def _window(node: Node, kernel: Dimensions) -> Window | None:
    """The geometry of a window on images of two axes; a padding with zeros is one, too."""
    settings = node.attributes
    if node.operator == "Pad" and len(settings["pads"]) == 4 and not settings["value"]:
        (top, bottom), (left, right) = settings["pads"][2:]
        is_spatial = not any(map(any, settings["pads"][:2])) and settings["mode"] == "constant"
        return Window(kernel=(1, 1), padding=(top, bottom, left, right)) if is_spatial else None
    if len(settings.get("strides", ())) != 2:
        return None
    height, width = settings.get("kernel_shape") or kernel or (0, 0)
    if not isinstance(height, int) or not isinstance(width, int) or node.operator == "ConvTranspose":
        return None
    (top, bottom), (left, right) = settings["pads"]
    return Window((height, width), settings["strides"], (top, bottom, left, right), settings["dilations"])


def _layer_label(labels: list[str]) -> str:
    """The student's name of a layer: the part of its tensors' names before `.weight` or `/kernel`."""
    name = next((label for label in labels if label), "")
    return re.sub(r"[./][^./]*$", "", name)
