"""Rewrites of a graph of the language that speed up training on a processor without changing what it computes.

Every pass takes and returns a graph, and leaves anything unknown alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch

from harness.backends.torch.convolution import convolution, convolution_and_pooling
from harness.backends.torch.lowered_layers import conv_with, is_symmetric
from harness.backends.torch.lowered_run import Function, Lower
from harness.language.graph import Graph, Node, Value

CONVOLUTION_AND_POOLING, SAME = "ConvolutionAndPooling", "Same"
"""Operators of our own: `convolution` implements the first, and the second is its input."""

PARTS, PART = "Parts", "Part"
"""All parts of a value along an axis, and one of them."""

_RISING = ("Relu", "Tanh", "Sigmoid")
"""Functions that never fall: the largest of a window is the same before and after them."""

_FEW, _FEW_CHANNELS = 6, 3
"""Up to this many filters on this many channels leave vectors half empty; with more, separate convolution and pooling
are no slower."""


def prepared(graph: Graph, trainable: frozenset[str]) -> Graph:
    """The graph after every applicable pass."""
    return split_together(pool_while_convolving(pool_before_activation(graph), trainable))


def pool_before_activation(graph: Graph) -> Graph:
    """Swap an activation with a max-pooling that is its only reader: there are fewer numbers after pooling than before.

    A gradient that pooling would send to another position of a window where the activation is flat is zero in either
    order.
    """
    nodes, uses = dict(graph.by_name), Counter(graph.reads())
    values = dict(graph.values)
    for pool in graph.nodes:
        activation = nodes.get(pool.inputs[0]) if pool.operator == "MaxPool" else None
        if activation is None or activation.operator not in _RISING or uses[activation.name] != 1:
            continue
        nodes[activation.name] = replace(pool, name=activation.name, inputs=activation.inputs)
        nodes[pool.name] = replace(activation, name=pool.name, inputs=(activation.name,))
        values[activation.name] = replace(values[pool.name], name=activation.name)
    return replace(graph, nodes=tuple(nodes.values()), values=values)


def pool_while_convolving(graph: Graph, trainable: frozenset[str]) -> Graph:
    """A convolution with few filters on something that needs no gradient, merged with the 2x2 max-pooling that is its
    only reader."""
    nodes, uses = dict(graph.by_name), Counter(graph.reads())
    in_need = _in_need_of_gradients(graph, trainable)
    for pool in graph.nodes:
        convolution = nodes.get(pool.inputs[0]) if pool.operator == "MaxPool" and _is_two_by_two(pool) else None
        if convolution is None or convolution.operator != "Conv" or uses[convolution.name] != 1:
            continue
        if convolution.inputs[0] not in in_need and _is_small(convolution, graph.values):
            nodes[convolution.name] = replace(convolution, operator=CONVOLUTION_AND_POOLING)
            nodes[pool.name] = Node(pool.name, SAME, pool.inputs)
    return replace(graph, nodes=tuple(nodes.values()))


def _in_need_of_gradients(graph: Graph, trainable: frozenset[str]) -> set[str]:
    """The values through which gradients reach trainable tensors."""
    names = set(trainable)
    for node in graph.nodes:
        if not names.isdisjoint(node.inputs):
            names.add(node.name)
    return names


def _is_two_by_two(pool: Node) -> bool:
    a = pool.attributes
    settings = a["kernel_shape"], a["strides"], a["pads"], a["dilations"], a["ceil_mode"]
    return settings == ((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1), False)


def _is_small(convolution: Node, values: Mapping[str, Value]) -> bool:
    a = convolution.attributes
    filters = values[convolution.inputs[1]].shape
    is_plain = (a["strides"], a["dilations"], a["group"]) == ((1, 1), (1, 1), 1) and is_symmetric(a["pads"])
    return is_plain and isinstance(filters[0], int) and filters[0] <= _FEW and filters[1] in range(_FEW_CHANNELS + 1)


def split_together(graph: Graph) -> Graph:
    """Slices of one value that do not overlap, taken at once: the gradient of each alone is as large as the value."""
    nodes: dict[str, Node] = {}
    parts = {name: group for group in _slices(graph).values() for name in _disjoint(group)}
    for node in graph.nodes:
        if node.name in parts:
            bounds = [_bounds(part) for part in parts[node.name]]
            name = f"{node.inputs[0]} along {node.attributes['axis']}"
            cuts = sorted({0, *(cut for pair in bounds for cut in pair)})
            nodes.setdefault(name, Node(name, PARTS, node.inputs, {"axis": node.attributes["axis"], "cuts": cuts}))
            node = Node(node.name, PART, (name,), {"index": cuts.index(node.attributes["start"])})
        nodes[node.name] = node
    return replace(graph, nodes=tuple(nodes.values()))


def _slices(graph: Graph) -> Mapping[tuple[str, int], list[Node]]:
    """The slices of each value along each axis whose places do not depend on the number of images."""
    groups: dict[tuple[str, int], list[Node]] = {}
    for node in graph.nodes:
        if node.operator == "Slice" and node.attributes["step"] == 1 and all(isinstance(b, int) for b in _bounds(node)):
            groups.setdefault((node.inputs[0], node.attributes["axis"]), []).append(node)
    return groups


def _bounds(node: Node) -> tuple[Any, Any]:
    return node.attributes["start"], node.attributes["end"]


def _disjoint(group: list[Node]) -> list[str]:
    """The names of several slices, none of which is empty or overlaps another; else none."""
    bounds = sorted(map(_bounds, group))
    places = [place for pair in bounds for place in pair]
    is_disjoint = places == sorted(places) and all(start < end for start, end in bounds)
    return [node.name for node in group] if len(group) > 1 and is_disjoint else []


def _parts(node: Node, _: Graph) -> Function:
    axis, cuts = node.attributes["axis"], node.attributes["cuts"]
    sizes = [end - start for start, end in pairwise(cuts)]
    return lambda _, x: x.split([*sizes, x.shape[axis] - cuts[-1]], axis)


def _part(node: Node, _: Graph) -> Function:
    index = node.attributes["index"]
    return lambda _, parts: parts[index]


def _pooled(node: Node, _: Graph) -> Function:
    padding = [before for before, _ in node.attributes["pads"]]
    return lambda _, x, w, b=None: convolution_and_pooling(x, w, b, padding)


def _convolve(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None, *settings: Any) -> torch.Tensor:
    """In the memory layouts that suit a processor, which only images of two axes have."""
    return convolution(x, w, b, *settings) if x.ndim == 4 else torch.convolution(x, w, b, *settings)


def _same(_: Node, __: Graph) -> Function:
    return lambda _, x: x


OURS: Mapping[str, Lower] = {CONVOLUTION_AND_POOLING: _pooled, SAME: _same, PARTS: _parts, PART: _part}
"""What runs a prepared graph besides the operators of the language."""

CHANNELS_LAST: Mapping[str, Lower] = {"Conv": conv_with(_convolve)}
"""What runs a graph besides that suits channels last."""

_POOLS = ("MaxPool", "AveragePool", CONVOLUTION_AND_POOLING)


def suits_channels_last(graph: Graph) -> bool:
    """Whether convolutions and pooling of two axes take most of the time: pooling is many times faster with channels
    last, a convolution about as fast, and what else there is often slower."""
    return any(node.operator in _POOLS and graph.values[node.name].rank == 4 for node in graph.nodes)


def convolution_weights(graph: Graph) -> frozenset[str]:
    """The tensors that convolutions of two axes use as weights."""
    names = (node.inputs[1] for node in graph.nodes if node.operator == "Conv")
    return frozenset(name for name in names if name not in graph.by_name and graph.values[name].rank == 4)
