"""What could be set otherwise in a graph without a shape in the layer table showing it: numbers in constants and
attributes, sizes of what does not depend on the images, starts of slices."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.language.attributes import Choice, Flag
from harness.language.cuts import Cut, cuts
from harness.language.dependence import fixed
from harness.language.graph import Graph, ModelGraph, Node
from harness.language.literals import HANDFUL, WORD, bits_of_array, bits_of_number
from harness.language.operators import OPERATORS, Attribute
from harness.language.sizes import Dimension, Dimensions, Size

CONSTANT = "a constant"
_AXES = {"axis", "axes", "perm"}
_GEOMETRY = {"strides", "pads", "dilations", "kernel_shape", "group", "num_groups", "output_padding"}
_KEEP_SHAPE = {"Softmax", "LogSoftmax"}
_WINDOWS = {"Conv", "MaxPool", "AveragePool"}


@dataclass(frozen=True)
class Setting:
    """A value at one kind of place, such as the slope of a LeakyRelu, and how many bits it holds where it is new."""

    operator: str
    place: str
    value: Hashable
    bits: float


def settings(graph: Graph, shown: frozenset[int], table: Graph | None = None) -> Iterator[Setting]:
    """All settings of a graph. Sizes that are `shown` in the layer table hold less than others, and the geometry of
    layers holds nothing if the layers of the graph that the `table` is made of have it, too."""
    reader, widths = _Reader(graph, shown, _unshown(graph, table or graph)), index_widths(graph)
    for constant in graph.constants:
        if constant.array.ndim:
            held = bits_of_array(constant.array, min(WORD, widths[constant.name]))
            held += sum(map(reader.bits_of_size, constant.array.shape))
            yield Setting(CONSTANT, "", reader.content[constant.name], held)
    for node in graph.nodes:
        yield from reader.constants_of(node)
        for declared in OPERATORS[node.operator].attributes:
            yield from reader.attribute(node, declared)
    for cut in cuts(graph):
        yield from reader.cut(cut)


def shown_sizes(model: ModelGraph) -> frozenset[int]:
    """The sizes in the layer table: of what depends on the images in evaluation, for one of them, and of tensors."""
    graph = model.evaluation
    constant = fixed(graph)
    shapes = [value.shape for name, value in graph.values.items() if name not in constant]
    shapes += [tensor.shape for tensor in model.tensors if tensor.name in model.used]
    return frozenset(d.images if isinstance(d, Size) else d for shape in shapes for d in shape)


def _unshown(graph: Graph, table: Graph) -> frozenset[str]:
    """Nodes whose geometry nothing shows: no images pass there, or only while training."""
    left = Counter(_geometry(table, node) for node in table.nodes)
    found = set(fixed(graph))
    for node in graph.nodes:
        geometry = _geometry(graph, node)
        if not left[geometry]:
            found.add(node.name)
        left[geometry] -= 1
    return frozenset(found)


def _geometry(graph: Graph, node: Node) -> Hashable:
    """What the layer table shows of a node."""
    hidden = {declared.name for declared in OPERATORS[node.operator].attributes if declared.hides} | {"training"}
    shown = tuple(sorted((name, value) for name, value in node.attributes.items() if name not in hidden))
    return node.operator, shown, graph.values[node.name].shape, tuple(v.shape for v in graph.inputs_of(node))


def index_widths(graph: Graph) -> Mapping[str, float]:
    """How many bits a number can hold at most, by the name of what is read: an index chooses along an axis, from either
    end of it; what is anything else may hold any number."""
    widths: dict[str, float] = {graph.output: math.inf}
    for node in graph.nodes:
        for position, name in enumerate(node.inputs):
            is_index = node.operator == "Gather" and position == 1
            size = graph.values[node.inputs[0]].shape[node.attributes["axis"]] if is_index else None
            width = math.log2(2 * size) if isinstance(size, int) else math.inf
            widths[name] = max(widths.get(name, 0), width)
    return widths


class _Reader:
    """What is read in every node of a graph."""

    def __init__(self, graph: Graph, shown: frozenset[int], unshown: frozenset[str]) -> None:
        self.graph, self.shown, self.unshown = graph, shown, unshown
        self.content = {c.name: (c.array.dtype.kind, c.array.shape, c.array.tobytes()) for c in graph.constants}
        self._bits_of_shown = math.log2(len(shown) + 1)
        self._bits_of_constant = math.log2(len(graph.constants) + 1)

    def bits_of_size(self, size: Dimension) -> float:
        """What a size holds: less where the layer table has it, too."""
        if isinstance(size, Size):
            return 1 + self.bits_of_size(size.more)
        return 1 if abs(size) <= 1 else min(WORD, self._bits_of_shown) if size in self.shown else WORD

    def constants_of(self, node: Node) -> Iterator[Setting]:
        """Which constants a node reads; numbers without axes are settings themselves."""
        for position, name in enumerate(node.inputs):
            if name in self.content:
                array = self.graph.numbers[name]
                bits = self._bits_of_constant if array.ndim else bits_of_number(float(array))
                yield Setting(node.operator, f"input {min(position, 2)}", self.content[name], bits)

    def attribute(self, node: Node, declared: Attribute) -> Iterator[Setting]:
        """What an attribute of a node holds, unless the layer table shows it or it is usual."""
        value, place = node.attributes[declared.name], declared.name
        if node.operator == "Slice" or place == "training":
            return
        if declared.hides:
            yield Setting(node.operator, place, _content(value), self._bits_of_number(declared, value))
        elif isinstance(declared.type, (Flag, Choice)):
            yield Setting(node.operator, place, value, 0 if value == declared.default else 1)
        elif node.name in self.unshown or not node.inputs:
            rank = len(self.graph.values[node.inputs[0]].shape) if node.inputs else 0
            yield Setting(node.operator, f"{place} {rank}", *self._of_unshown(node, place, value))
        elif place == "axis" and node.operator in _KEEP_SHAPE:
            yield Setting(node.operator, place, value, HANDFUL)
        elif place in _GEOMETRY and not _is_shown(node):
            yield Setting(node.operator, place, value, sum(map(self._bits_of_side, _flat(value))))

    def _bits_of_number(self, declared: Attribute, value: float | None) -> float:
        """Numbers that a framework takes where none is given hold nothing, to the last digit of a float32."""
        if value is None or _content(value) in map(_content, declared.usual):
            return 0
        return bits_of_number(_rounded(value)) if isinstance(value, float) else self.bits_of_size(value)

    def _of_unshown(self, node: Node, place: str, value: Any) -> tuple[Hashable, float]:
        """What nothing shows: sizes in relation to those of the input."""
        if place in _AXES:
            return value, HANDFUL * len(_flat(value))
        if place != "shape":
            return value, sum(self.bits_of_size(number) for pair in _flat(value) for number in _flat(pair))
        before = self.graph.values[node.inputs[0]].shape if node.inputs else ()
        related = tuple(_related(size, before) for size in value)
        bits = [HANDFUL if isinstance(size, str) else self.bits_of_size(size) for size in related]
        return related, sum(bits) - (max(bits, default=0) if node.operator == "Reshape" else 0)

    def _bits_of_side(self, setting: Any) -> float:
        """A stride or dilation, or the pads before and after: their sum shows in the shape, not how it is parted."""
        if isinstance(setting, int):
            return 0 if setting in (0, 1) else self.bits_of_size(setting)
        before, after = setting
        return 0 if not before and not after else 1 if before == after or not before or not after else WORD

    def cut(self, cut: Cut) -> Iterator[Setting]:
        """What slices of one value hold: nothing if they are equal parts, two numbers if they are evenly spaced."""
        if cut.is_split and not self._is_unshown(cut):
            return
        if cut.spacing is None:
            yield from (self._slice(cut, node) for node in cut.nodes)
            return
        length, held = self._length(cut, cut.nodes[0])
        yield Setting("Slice", "several", (cut.spacing, length), sum(map(_bits_of_position, cut.spacing)) + held)

    def _is_unshown(self, cut: Cut) -> bool:
        return any(node.name in self.unshown for node in cut.nodes)

    def _length(self, cut: Cut, node: Node) -> tuple[Dimension | None, float]:
        """The length of a slice and what it holds; the layer table has those of images."""
        if not self._is_unshown(cut):
            return None, 0
        length = node.attributes["end"] - node.attributes["start"]
        return length, self.bits_of_size(length)

    def _slice(self, cut: Cut, node: Node) -> Setting:
        """One that touches an end of its axis holds a bit; with a step, the length shows how long it is."""
        start, end, step = (node.attributes[name] for name in ("start", "end", "step"))
        is_first, is_last = isinstance(start, int) and start < abs(step), end == cut.whole
        bits = math.log2(abs(step)) if is_first else 1 if is_last else _bits_of_position(start)
        bits += 0 if step == 1 else 1 if step == -1 or (is_first and is_last) else WORD
        length, held = self._length(cut, node)
        return Setting("Slice", "one", ("end" if is_last and not is_first else start, step, length), bits + held)


def _bits_of_position(position: Dimension) -> float:
    return 1 if isinstance(position, Size) or abs(position) <= 1 else WORD


def _related(size: Dimension, before: Dimensions) -> str | Dimension:
    """A size by the axis of the input that has it."""
    if size == 1:
        return "1"
    return f"axis {before.index(size)}" if size in before else size


def _content(number: float | None) -> Hashable:
    """A whole number, or the bits of another as float32, which are all that a computation can read of it."""
    return np.float32(_rounded(number)).tobytes() if isinstance(number, float) else number


def _rounded(number: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(number))


def _flat(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_shown(node: Node) -> bool:
    """Whether the node's row has the geometry of its window, or of a padding with zeros."""
    if node.operator == "Pad":
        is_zero = node.attributes["mode"] == "constant" and not node.attributes["value"]
        return is_zero and len(node.attributes["pads"]) == 4 and not any(map(any, node.attributes["pads"][:2]))
    return node.operator in _WINDOWS and len(node.attributes["strides"]) == 2
