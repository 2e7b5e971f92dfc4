"""Rewrites of an audited PyTorch graph that speed up training without changing what it computes.

Every pass takes and returns the graph as data, and leaves anything unknown alone. The first two keep outputs and
gradients bit-identical; the later ones add the same products in a different order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

Graph = dict[str, Any]
Node = dict[str, Any]
Uses = Counter[tuple[int, int]]

_MODES = ("train", "eval")
CONVOLUTION = "aten.convolution.default"
CONVOLUTION_AND_POOLING, SAME = "harness.convolution_and_pooling", "harness.same"
"""Our own operators: `torch_convolution` implements the first, and the second returns its input."""

_MAX_POOL = "aten.max_pool2d_with_indices.default"
_RELU, _RELU_IN_PLACE = "aten.relu.default", "aten.relu_.default"
_FRESH = {CONVOLUTION, _MAX_POOL, "aten.avg_pool2d.default", "aten.addmm.default", "aten.mm.default"}
"""Operators whose result is new memory, so that changing it affects nothing else."""

_PLAIN = [[1, 1], False, [0, 0], 1]
"""A convolution's dilation, whether it is transposed, its output padding and its groups."""

_POOL_DEFAULTS: list[Any] = [[], [0, 0], [1, 1], False]
"""A pooling's stride (that of its window), padding, dilation, and whether it also takes windows that are cut off."""

_FEW = 6
"""Up to this many filters leave vectors half empty; with more, separate convolution and pooling are no slower."""

_VIEW, _RESHAPE = "aten.view.default", "aten.reshape.default"
_ANY_LAYOUT = {
    *_FRESH,
    *(f"aten.{name}.default" for name in "relu tanh sigmoid silu gelu elu leaky_relu hardtanh hardswish".split()),
    *(f"aten.{name}.default" for name in "view t permute unsqueeze detach constant_pad_nd _softmax".split()),
    *("aten._log_softmax.default", "aten._adaptive_avg_pool2d.default", "aten.add.Tensor"),
}
"""Operators that compute the same whatever the strides of an image are, and write to nothing."""


@dataclass(frozen=True)
class Prepared:
    """A graph to train, and the convolution weights to lay out channels last; without any, images stay as they are."""

    graph: Graph
    channels_last: frozenset[str]


def prepare(graph: Graph) -> Prepared:
    """The graph after every applicable pass."""
    modes = {mode: in_better_order(graph[mode]) for mode in _MODES}
    is_free = len(graph["input"]) == 3 and all(is_free_of_layout(mode) for mode in modes.values())
    if not is_free:
        return Prepared({**graph, **modes}, frozenset())
    modes = {name: pool_while_convolving(reshaped(mode), graph["tensors"]) for name, mode in modes.items()}
    return Prepared({**graph, **modes}, frozenset(convolution_weights(graph, modes["train"])))


def in_better_order(mode: Graph) -> Graph:
    """The passes that keep results bit-identical."""
    return pool_before_relu(relu_out_of_place(mode))


def relu_out_of_place(mode: Graph) -> Graph:
    """An in-place relu whose input only it reads becomes one that is not in place."""
    nodes, uses = list(mode["nodes"]), _uses(mode)
    for index, node in enumerate(nodes):
        source = _source(node) if node["op"] == _RELU_IN_PLACE else None
        if source is not None and nodes[source]["op"] in _FRESH and uses[source, 0] == 1:
            nodes[index] = {**node, "op": _RELU}
    return {**mode, "nodes": nodes}


def pool_before_relu(mode: Graph) -> Graph:
    """Swap a relu with a max-pooling that is its only reader: there are fewer numbers after pooling than before.

    The largest of a window is the same before and after relu, or it is zero; a gradient that pooling would send to
    another position of such a window is stopped by relu in either order. Nodes keep their numbers: no reference
    changes.
    """
    nodes, uses = list(mode["nodes"]), _uses(mode)
    for index, pool in enumerate(mode["nodes"]):
        source = _source(pool) if pool["op"] == _MAX_POOL else None
        if source is None or nodes[source]["op"] != _RELU or uses[source, 0] != 1 or uses[index, 1]:
            continue
        relu = nodes[source]
        if relu.get("no_grad") == pool.get("no_grad"):
            nodes[source] = {**pool, "args": [relu["args"][0], *pool["args"][1:]]}
            nodes[index] = {**relu, "args": [{"node": [source, 0]}]}
    return {**mode, "nodes": nodes}


def pool_while_convolving(mode: Graph, tensors: dict[str, Any]) -> Graph:
    """A convolution of the images themselves, with few filters, merged with the 2x2 max-pooling that is its only
    reader."""
    nodes, uses = list(mode["nodes"]), _uses(mode)
    for index, pool in enumerate(nodes):
        source = _source(pool) if pool["op"] == _MAX_POOL and not uses[index, 1] else None
        if source is None or uses[source, 0] != 1 or not _is_two_by_two(pool):
            continue
        convolution = nodes[source]
        if convolution["op"] == CONVOLUTION and _is_first_and_small(convolution, tensors):
            images, weight, bias, _, padding, *_ = convolution["args"]
            nodes[source] = {**convolution, "op": CONVOLUTION_AND_POOLING, "args": [images, weight, bias, padding]}
            nodes[index] = {"op": SAME, "args": [{"node": [source, 0]}], "kwargs": {}}
    return {**mode, "nodes": nodes}


def _is_two_by_two(pool: Node) -> bool:
    _, kernel, *given = pool["args"]
    stride, *others = given + _POOL_DEFAULTS[len(given) :]
    return kernel == [2, 2] and stride in ([], [2, 2]) and others == _POOL_DEFAULTS[1:] and not pool.get("no_grad")


def _is_first_and_small(convolution: Node, tensors: dict[str, Any]) -> bool:
    images, weight, _, stride, _, *others = convolution["args"]
    shape = tensors.get(weight.get("tensor"), {"shape": []})["shape"]
    is_small = len(shape) == 4 and shape[0] <= _FEW
    return is_small and "input" in images and stride == [1, 1] and others == _PLAIN and not convolution.get("no_grad")


def is_free_of_layout(mode: Graph) -> bool:
    """Whether no operator depends on the memory layout of an image."""
    return all(node["op"] in _ANY_LAYOUT and not node["kwargs"] for node in mode["nodes"])


def reshaped(mode: Graph) -> Graph:
    """Views become reshapes: these copy where the layout does not allow a view."""
    nodes = [{**node, "op": _RESHAPE} if node["op"] == _VIEW else node for node in mode["nodes"]]
    return {**mode, "nodes": nodes}


def convolution_weights(graph: Graph, mode: Graph) -> set[str]:
    """The tensors that convolutions use as weights; none unless all have four dimensions."""
    weights = [node["args"][1].get("tensor", "") for node in mode["nodes"] if node["op"] == CONVOLUTION]
    shapes = [graph["tensors"].get(name, {"shape": []})["shape"] for name in weights]
    return set(weights) if all(len(shape) == 4 for shape in shapes) else set()


def _source(node: Node) -> int | None:
    """The node whose first result is the first argument; None for anything else."""
    first = node["args"][0] if node["args"] else None
    index, position = first["node"] if isinstance(first, dict) and "node" in first else (None, 0)
    return index if position == 0 else None


def _uses(mode: Graph) -> Uses:
    """How often each result of each node is read."""
    uses: Uses = Counter()
    _count([[node["args"], list(node["kwargs"].values())] for node in mode["nodes"]], uses)
    _count(mode["output"], uses)
    return uses


def _count(value: Any, uses: Uses) -> None:
    if isinstance(value, list):
        for item in value:
            _count(item, uses)
    elif isinstance(value, dict) and "node" in value:
        index, position = value["node"]
        uses[index, position] += 1
