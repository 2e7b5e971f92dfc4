"""Writes a graph of the language as an ONNX model, opset 22. The only file that needs `onnx`: the extra of that name.

Most operators are ONNX's own; what ONNX lacks is put together from others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from harness.language.graph import IMAGES, Graph, Kind, Node
from harness.language.operators import OPERATORS
from harness.language.sizes import Dimension, Dimensions, Size
from harness.records.errors import HarnessError

Array = npt.NDArray[Any]
Call = tuple[str, Sequence[str], Mapping[str, Any]]
"""A node of ONNX without a name for its result: operator, inputs, attributes."""

OPSET, IR_VERSION = 22, 10
OUTPUT = "output"
_TYPES = {Kind.FLOAT: TensorProto.FLOAT, Kind.INT: TensorProto.INT64, Kind.BOOL: TensorProto.BOOL}
_ARRAYS: dict[Kind, npt.DTypeLike] = {Kind.FLOAT: np.float32, Kind.INT: np.int64, Kind.BOOL: np.bool_}
_LAST = -(1 << 62)


def exported(graph: Graph, tensors: Mapping[str, Array], labels: Mapping[str, str] | None = None) -> onnx.ModelProto:
    """A graph as an ONNX model, from `images` (N, *input shape) to `output`; numbers are float32.

    `labels` gives values other names, of which letters, digits and `_.-/` are kept. Batch normalizations in training
    use the batch's own mean and variance; what they would update is left out. Raises HarnessError for random operators.
    """
    writer = _Writer(graph, _names(graph, labels or {}))
    for value in graph.values.values():
        if value.name in graph.numbers or value.name in tensors:
            numbers = graph.numbers.get(value.name, tensors.get(value.name))
            writer.arrays[writer.names[value.name]] = np.asarray(numbers, _ARRAYS[value.kind])
    for node in graph.nodes:
        writer.write(node)
    if graph.output not in graph.by_name:
        writer.add("Identity", [writer.names[graph.output]], OUTPUT)
    return writer.model()


def _names(graph: Graph, labels: Mapping[str, str]) -> dict[str, str]:
    """Each value's name in the model, all different."""
    names = {IMAGES: IMAGES}
    if graph.output in graph.by_name:
        names[graph.output] = OUTPUT
    taken = {IMAGES, OUTPUT, *graph.values}
    for name in [name for name in graph.values if name not in names]:
        wanted = re.sub(r"[^A-Za-z0-9_./-]", "_", labels.get(name, ""))[:100]
        names[name] = name if not wanted or wanted in taken or wanted.startswith("_") else wanted
        taken.add(names[name])
    return names


class _Writer:
    """A model of ONNX in the making. Names that it invents start with an underscore."""

    def __init__(self, graph: Graph, names: Mapping[str, str]) -> None:
        self.graph, self.names = graph, names
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: dict[str, Array] = {}
        self._count: str | None = None

    def write(self, node: Node) -> None:
        """A node of the language."""
        if OPERATORS[node.operator].is_random:
            raise HarnessError(
                "a graph without random operators", f"{node.operator} at {node.name}", "export the evaluation graph"
            )
        inputs = [self.names[name] for name in node.inputs]
        operator, arguments, attributes = _RULES.get(node.operator, _as_it_is)(self, node, inputs)
        self.add(operator, arguments, self.names[node.name], **attributes)

    def add(self, operator: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """The name of an ONNX operator's result."""
        output = output or f"_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def numbers(self, numbers: Any, kind: Kind = Kind.INT) -> str:
        """The name of numbers that are written into the model."""
        name = f"_c{len(self.arrays)}"
        self.arrays[name] = np.asarray(numbers, _ARRAYS[kind])
        return name

    def number(self, number: float) -> str:
        """The name of a float that is written into the model."""
        return self.numbers(number, Kind.FLOAT)

    def dimension(self, dimension: Dimension) -> str:
        """The name of a vector of one size."""
        if not isinstance(dimension, Size):
            return self.numbers([dimension])
        if self._count is None:
            self._count = self.add("Shape", [IMAGES], start=0, end=1)
        name = self._count
        if dimension.images != 1:
            name = self.add("Mul", [name, self.numbers([dimension.images])])
        return self.add("Add", [name, self.numbers([dimension.more])]) if dimension.more else name

    def shape(self, shape: Dimensions) -> str:
        """The name of a shape."""
        if not any(isinstance(dimension, Size) for dimension in shape):
            return self.numbers(shape)
        return self.add("Concat", [self.dimension(dimension) for dimension in shape], axis=0)

    def model(self) -> onnx.ModelProto:
        """The model, with what nodes read."""
        read = {name for node in self.nodes for name in node.input}
        arrays = [numpy_helper.from_array(array, name) for name, array in self.arrays.items() if name in read]
        ends = [
            [helper.make_tensor_value_info(name, _TYPES[value.kind], _shown(value.shape))]
            for name, value in ((IMAGES, self.graph.values[IMAGES]), (OUTPUT, self.graph.values[self.graph.output]))
        ]
        graph = helper.make_graph(self.nodes, "model", ends[0], ends[1], arrays)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="lenet-harness")


def _shown(shape: Dimensions) -> list[int | str]:
    return [str(dimension) if isinstance(dimension, Size) else dimension for dimension in shape]


def _as_it_is(_: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    return node.operator, inputs, {name: _plain(value) for name, value in node.attributes.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return [before for before, _ in value] + [after for _, after in value]
    return int(value) if isinstance(value, bool) else list(value) if isinstance(value, tuple) else value


def _stop_gradient(_: _Writer, __: Node, inputs: Sequence[str]) -> Call:
    return "Identity", inputs, {}


def _shaped(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    """Reshape and Expand: the shape is an input. One size in N is what is left over."""
    shape = node.attributes["shape"]
    in_n = [isinstance(dimension, Size) for dimension in shape]
    if node.operator == "Reshape" and sum(in_n) == 1 and 0 not in shape:
        return "Reshape", [*inputs, writer.numbers([-1 if n else d for n, d in zip(in_n, shape, strict=True)])], {}
    more = {"allowzero": 1} if node.operator == "Reshape" else {}
    return node.operator, [*inputs, writer.shape(shape)], more


def _slice(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    axis, start, end, step = (node.attributes[name] for name in ("axis", "start", "end", "step"))
    bounds = (start, end) if step > 0 else (-1, _LAST)
    return "Slice", [*inputs, *map(writer.dimension, (*bounds, axis, step))], {}


def _pad(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    pads, value = writer.numbers(_plain(node.attributes["pads"])), writer.number(node.attributes["value"])
    return "Pad", [*inputs, pads, value], {"mode": node.attributes["mode"]}


def _tile(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    return "Tile", [*inputs, writer.numbers(node.attributes["repeats"])], {}


def _range(writer: _Writer, node: Node, _: Sequence[str]) -> Call:
    return "Range", [writer.numbers(node.attributes[name]) for name in ("start", "limit", "delta")], {}


def _cast(_: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    return "Cast", inputs, {"to": _TYPES[Kind(node.attributes["to"])]}


def _reduce(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    if not node.attributes["axes"]:
        return "Abs" if node.operator == "ReduceL2" else "Identity", inputs, {}
    axes = writer.numbers(node.attributes["axes"])
    return node.operator, [*inputs, axes], {"keepdims": int(node.attributes["keepdims"])}


def _clip(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    bounds = [node.attributes[name] for name in ("min", "max")]
    return "Clip", [*inputs, *("" if bound is None else writer.number(bound) for bound in bounds)], {}


def _prelu(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    """ONNX stretches the slope only."""
    a, b = inputs
    if writer.graph.values[node.name].shape == writer.graph.values[node.inputs[0]].shape:
        return "PRelu", inputs, {}
    is_positive = writer.add("Greater", [a, writer.number(0)])
    return "Where", [is_positive, a, writer.add("Mul", [a, b])], {}


def _batch_normalization(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    if not node.attributes["training"]:
        return "BatchNormalization", inputs, {"epsilon": node.attributes["epsilon"]}
    x, scale, shift = inputs[:3]
    rank = len(writer.graph.values[node.inputs[0]].shape)
    axes = writer.numbers([0, *range(2, rank)])
    per_channel = writer.numbers([-1, *[1] * (rank - 2)])
    centered = writer.add("Sub", [x, writer.add("ReduceMean", [x, axes])])
    variance = writer.add("ReduceMean", [writer.add("Mul", [centered, centered]), axes])
    deviation = writer.add("Sqrt", [writer.add("Add", [variance, writer.number(node.attributes["epsilon"])])])
    factor = writer.add("Reshape", [scale, per_channel])
    scaled = writer.add("Mul", [writer.add("Div", [centered, deviation]), factor])
    return "Add", [scaled, writer.add("Reshape", [shift, per_channel])], {}


def _adaptive_pool(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    """One axis after the other: each window is a slice, reduced."""
    (x,) = inputs
    reduction = "ReduceMax" if node.operator == "AdaptiveMaxPool" else "ReduceMean"
    lengths = writer.graph.values[node.inputs[0]].shape[2:]
    for axis, (length, count) in enumerate(zip(lengths, node.attributes["sizes"], strict=True), start=2):
        bounds = [(k * length // count, -(-(k + 1) * length // count)) for k in range(count)]
        windows = [writer.add("Slice", [x, *map(writer.dimension, (*pair, axis))]) for pair in bounds]
        x = writer.add("Concat", [writer.add(reduction, [w, writer.numbers([axis])]) for w in windows], axis=axis)
    return "Identity", [x], {}


def _conv_transpose(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    """An output padding crops less at the end. onnxruntime runs no more of it than the stride: then with zeros."""
    operator, _, attributes = _as_it_is(writer, node, inputs)
    strides, pads, extra = (node.attributes[name] for name in ("strides", "pads", "output_padding"))
    after = [max(0, pad[1] - more) for pad, more in zip(pads, extra, strict=True)]
    more = [max(0, more - pad[1]) for pad, more in zip(pads, extra, strict=True)]
    attributes = {**attributes, "pads": [pad[0] for pad in pads] + after, "output_padding": more}
    if all(size < stride for size, stride in zip(more, strides, strict=True)):
        return operator, inputs, attributes
    result = writer.add(operator, inputs[:2], **{**attributes, "output_padding": [0] * len(more)})
    room = writer.numbers([0] * (len(more) + 4) + more)
    if len(inputs) == 2:
        return "Pad", [result, room], {}
    per_channel = writer.numbers([-1, *[1] * len(more)])
    return "Add", [writer.add("Pad", [result, room]), writer.add("Reshape", [inputs[2], per_channel])], {}


def _lrn(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    """onnxruntime runs odd sizes of images with height and width; others as a mean over channels."""
    (x,), size = inputs, node.attributes["size"]
    shape = writer.graph.values[node.inputs[0]].shape
    if len(shape) == 4 and size % 2:
        return _as_it_is(writer, node, inputs)
    rows = writer.add("Reshape", [writer.add("Mul", [x, x]), writer.shape((shape[0], 1, shape[1], -1))])
    window: dict[str, Any] = {"kernel_shape": [size, 1], "strides": [1, 1], "pads": [(size - 1) // 2, 0, size // 2, 0]}
    mean = writer.add("AveragePool", [rows], count_include_pad=1, **window)
    mean = writer.add("Reshape", [mean, writer.shape(shape)])
    scaled = writer.add("Mul", [mean, writer.number(node.attributes["alpha"])])
    base = writer.add("Add", [scaled, writer.number(node.attributes["bias"])])
    return "Div", [x, writer.add("Pow", [base, writer.number(node.attributes["beta"])])], {}


def _grid_sample(_: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    mode = {"bilinear": "linear"}.get(node.attributes["mode"], node.attributes["mode"])
    align_corners = int(node.attributes["align_corners"])
    return (
        "GridSample",
        inputs,
        {"mode": mode, "padding_mode": node.attributes["padding_mode"], "align_corners": align_corners},
    )


def _affine_grid(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    size = writer.shape(node.attributes["size"])
    return "AffineGrid", [*inputs, size], {"align_corners": int(node.attributes["align_corners"])}


def _resize(writer: _Writer, node: Node, inputs: Sequence[str]) -> Call:
    coordinates = node.attributes["coordinates"]
    attributes = {
        "axes": [2, 3],
        "mode": node.attributes["mode"],
        "coordinate_transformation_mode": coordinates,
        "nearest_mode": "floor" if coordinates == "asymmetric" else "round_prefer_ceil",
    }
    return "Resize", [*inputs, "", "", writer.numbers(node.attributes["sizes"])], attributes


_RULES: Mapping[str, Callable[[_Writer, Node, Sequence[str]], Call]] = {
    "ConvTranspose": _conv_transpose,
    "LRN": _lrn,
    "Reshape": _shaped,
    "Expand": _shaped,
    "Slice": _slice,
    "Pad": _pad,
    "Tile": _tile,
    "Range": _range,
    "Cast": _cast,
    **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2"), _reduce),
    "StopGradient": _stop_gradient,
    "Clip": _clip,
    "PRelu": _prelu,
    "BatchNormalization": _batch_normalization,
    "AdaptiveMaxPool": _adaptive_pool,
    "AdaptiveAveragePool": _adaptive_pool,
    "GridSample": _grid_sample,
    "AffineGrid": _affine_grid,
    "Resize": _resize,
}
"""Operators that are written in another way than they are."""
