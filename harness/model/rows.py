"""From the evaluation graph to the rows of the layer table: parameters, shapes and multiply-accumulates.

A row is whatever has parameters or multiply-accumulates, changes the shape, or crops, gathers or reorders images.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from harness.language.dependence import fixed, macs
from harness.language.graph import IMAGES, ModelGraph, Node
from harness.language.hidden import is_capacity
from harness.language.sizes import Dimensions, N, without_batch
from harness.model.forms import splits, stacked, takes_part
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
    "Concat": "cat",
    "ReduceMean": "mean",
    "ReduceSum": "sum",
    "ReduceMax": "max",
    "ReduceMin": "min",
    "ReduceL2": "norm",
}
_POOLINGS = {"MaxPool", "AveragePool", "AdaptiveMaxPool", "AdaptiveAveragePool"}
_ALWAYS_A_ROW = _POOLINGS | {"Slice", "Gather", "Pad", "Transpose", "GridSample", "Resize", "Tile", "Concat"}
_PASS_ON = {"Cast", "StopGradient"}
_LAYOUTS: Mapping[int, Mapping[bool, tuple[int, ...]]] = {
    4: {True: (0, 3, 1, 2), False: (0, 2, 3, 1)},
    5: {True: (0, 4, 1, 2, 3), False: (0, 2, 3, 4, 1)},
}
"""By the number of axes: how channels are moved to the front where they are last, and back."""
_NAMED = 64
_PIECE_BITS = 256
_PIECE = (1 << _PIECE_BITS) - 1


def kind_of(node: Node) -> str:
    """What a row is called: the field's word for a layer, otherwise the operator's name as `grid_sample`."""
    return _KINDS.get(node.operator) or re.sub(r"(?<!^)(?=[A-Z][a-z])", "_", node.operator).lower()


def read_rows(graph: ModelGraph, statistics: frozenset[str] = frozenset()) -> Rows:
    """The rows of a model, and which of its operators are in which row. The `statistics` of normalizations are not
    counted. Raises ArtifactError for a size that is no multiple of the batch."""
    rows = Rows(graph, statistics)
    for node in graph.evaluation.nodes:
        rows.read(node)
    return rows


@dataclass
class Rows:
    """Reads nodes in execution order and collects layers.

    A set of tensors is a bit mask, so that no graph can make this slow.
    """

    graph: ModelGraph
    statistics: frozenset[str]
    layers: list[Layer] = field(default_factory=list)
    row_of: dict[str, int] = field(default_factory=dict)
    """For each node that makes a layer, or adds its bias, the layer's position."""

    def __post_init__(self) -> None:
        evaluation = self.graph.evaluation
        self._values = evaluation.values
        self._fixed = fixed(evaluation)
        self._macs = macs(evaluation)
        self._splits, self._stacked = splits(evaluation), stacked(evaluation)
        to_first = [layout[True] for layout in _LAYOUTS.values()]
        self._to_first = {node.inputs[0] for node in evaluation.nodes if node.attributes.get("perm") in to_first}
        self._ordered = sorted(self.graph.tensors, key=lambda tensor: (len(tensor.name), tensor.name))
        self._tensors = {tensor.name: tensor for tensor in self._ordered}
        self._weights = {t.name: is_capacity(t) << index for index, t in enumerate(self._ordered)}
        shape = self.graph.input_shape
        self._channels_last = {IMAGES: len(shape) == 3 and shape[2] == 1}
        self._counted = 0

    def shape_of(self, name: str) -> Shape:
        """Shape of a value for one image, channels first; empty for a value that does not depend on the image."""
        if name in self._fixed:
            return ()
        shape = without_batch(self._values[name].shape)
        has_images = len(shape) == self._values[name].rank - 1
        return (shape[-1], *shape[:-1]) if self.has_channels_last(name) and has_images else shape

    def has_channels_last(self, name: str) -> bool:
        """Whether a value is images with their channels in the last axis."""
        return self._channels_last.get(name, False) and self._values[name].rank in _LAYOUTS

    def read(self, node: Node) -> None:
        """Process one node: a weight on its way to a layer, a bias, a layer, or nothing to count."""
        tensors = self._tensors_of(node)
        if node.name in self._fixed:
            self._weights[node.name] = tensors
            return
        data = next((name for name in node.inputs if name not in self._fixed), IMAGES)
        is_layout = self._note_layout(node, data)
        if self._is_bias(node, data, tensors):
            index = self.row_of[node.name] = self.row_of[data]
            self.layers[index] = self._count(replace(self.layers[index], bias=True), tensors)
        elif is_layout or self._is_part(node):
            self._passes_on(node, self._splits.get(node.name, data))
        elif self._is_row(node, data, tensors):
            self.row_of[node.name] = len(self.layers)
            self.layers.append(self._count(self._layer(node, data, tensors), tensors))
        elif node.operator in _PASS_ON:
            self._passes_on(node, data)

    def _is_row(self, node: Node, data: str, tensors: int) -> bool:
        is_changed = self.shape_of(data) != self.shape_of(node.name)
        return bool(tensors) or is_changed or node.name in self._macs or node.operator in _ALWAYS_A_ROW

    def _is_part(self, node: Node) -> bool:
        """Whether a node is told by the row of another: as part of a split, a slice or a stack."""
        if takes_part(self.graph.evaluation, node) and node.inputs[0] in self.row_of:
            row = self.row_of[node.inputs[0]]
            self.layers[row] = replace(self.layers[row], output_shape=self.shape_of(node.name))
            return True
        return node.name in self._stacked or self._splits.get(node.name, node.name) != node.name

    def _passes_on(self, node: Node, data: str) -> None:
        if data in self.row_of:
            self.row_of[node.name] = self.row_of[data]

    def _note_layout(self, node: Node, data: str) -> bool:
        """Note whether a node's images have their channels last. True for a transpose that moves them there or back, or
        that leaves the numbers of each image in their order."""
        was_last, before, after = self._channels_last.get(data, False), self._values[data], self._values[node.name]
        perm = node.attributes.get("perm") if node.operator == "Transpose" else None
        is_layout = perm is not None and perm == _LAYOUTS.get(before.rank, {}).get(was_last)
        keeps = after.rank >= 4 and after.shape[-1] == before.shape[-1] if node.operator == "Reshape" else not perm
        is_read_as = after.shape[-1:] == (1,) and node.name in self._to_first
        self._channels_last[node.name] = not was_last if is_layout else (was_last and keeps) or is_read_as
        return is_layout or (perm is not None and self._is_in_order(data, perm))

    def _is_in_order(self, data: str, perm: Sequence[int]) -> bool:
        """Whether a transpose moves nothing but the images' axis and axes of length 1, to the same shape."""
        shape = self._values[data].shape
        moved = [axis for axis in perm if shape[axis] != 1 and shape[axis] != N]
        return moved == sorted(moved) and without_batch(shape) == without_batch([shape[axis] for axis in perm])

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
                yield self._ordered[first + lowest.bit_length() - 1]
                piece ^= lowest
            tensors >>= _PIECE_BITS
            first += _PIECE_BITS

    def _is_bias(self, node: Node, source: str, tensors: int) -> bool:
        """Whether a node adds one number to each output of the layer before it."""
        if node.operator != "Add" or tensors.bit_count() != 1 or source not in self.row_of:
            return False
        layer, shape = self.layers[self.row_of[source]], self._values[source].shape
        if layer.kind not in ("conv2d", "dense") or layer.bias:
            return False
        channels = 1 if layer.kind == "conv2d" and not self.has_channels_last(source) else len(shape) - 1
        (other,) = (name for name in node.inputs if name != source)
        added = self._values[other].shape
        places = [axis + len(shape) - len(added) for axis, size in enumerate(added) if size != 1]
        return next(self._members(tensors)).size == shape[channels] and places in ([channels], [])

    def _layer(self, node: Node, data: str, tensors: int) -> Layer:
        label = _layer_label([t.label for t in islice(self._members(tensors), _NAMED)])
        label = label or self.graph.labels.get(node.name, "")
        source = self.graph.evaluation.by_name[data].inputs[0] if data in self._stacked else data
        before, after = self.shape_of(source), self.shape_of(node.name)
        weights = self._values[node.inputs[1]].shape if len(node.inputs) > 1 else ()
        bias = len(node.inputs) > 2
        window = _window(node, weights[2:], 1 if self.has_channels_last(data) else 2)
        if node.operator == "Conv" and window is not None and len(before) == len(after) == 3:
            return conv2d(label, before, after[0], window, bias=bias, groups=node.attributes["group"])
        if node.operator in ("Gemm", "MatMul") and tensors and data == node.inputs[0] and len(weights) == 2:
            return dense(label, before, after[-1], bias=bias)
        return Layer(self._kind(node, data, after), before, after, label, window, macs=self._macs.get(node.name, 0))

    def _kind(self, node: Node, data: str, after: Shape) -> str:
        if node.name in self._splits or data in self._stacked:
            return "split" if node.name in self._splits else "stack"
        if node.operator == "Gather" and node.inputs[0] in self._fixed:
            return "embedding"
        if node.operator == "Gemm":
            return "matmul"
        return "flatten" if node.operator == "Reshape" and len(after) == 1 else kind_of(node)

    def _count(self, layer: Layer, tensors: int) -> Layer:
        """The layer with the tensors it really has; each tensor is counted where it is used first."""
        every = [*(self._tensors[name] for name in layer.tensors), *self._members(tensors & ~self._counted)]
        shared = islice(self._members(tensors & self._counted), _NAMED)
        self._counted |= tensors
        statistics = self.statistics if layer.kind == "normalization" else frozenset()
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


def _window(node: Node, kernel: Dimensions, first: int) -> Window | None:
    """The geometry of a window on images of two axes, the first of which is at `first`; a padding with zeros is one."""
    settings = node.attributes
    if node.operator == "Pad":
        return _padding(settings, first)
    if len(settings.get("strides", ())) != 2:
        return None
    height, width = settings.get("kernel_shape") or kernel or (0, 0)
    if not isinstance(height, int) or not isinstance(width, int) or node.operator == "ConvTranspose":
        return None
    (top, bottom), (left, right) = settings["pads"]
    return Window((height, width), settings["strides"], (top, bottom, left, right), settings["dilations"])


def _padding(settings: Mapping[str, Any], first: int) -> Window | None:
    pads = settings["pads"]
    others = [pair for axis, pair in enumerate(pads) if axis not in (first, first + 1)]
    if len(pads) != 4 or any(map(any, others)) or settings["value"] or settings["mode"] != "constant":
        return None
    (top, bottom), (left, right) = pads[first : first + 2]
    return Window(kernel=(1, 1), padding=(top, bottom, left, right))


def _layer_label(labels: list[str]) -> str:
    """The student's name of a layer: the part of its tensors' names before `.weight` or `/kernel`."""
    name = next((label for label in labels if label), "")
    return re.sub(r"[./][^./]*$", "", name)
