"""What several operators of a graph are together, in the words of a framework: a split, a stack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from harness.language.cuts import cuts
from harness.language.graph import Graph, Node, Value


def splits(graph: Graph) -> Mapping[str, str]:
    """Each slice of those that cut a value into equal parts, and the first of them."""
    return {node.name: cut.nodes[0].name for cut in cuts(graph) if cut.is_split for node in cut.nodes}


def stacked(graph: Graph) -> frozenset[str]:
    """Reshapes that give a value an axis of length 1, along which it is then concatenated and nothing else."""
    readers: dict[str, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        for name in node.inputs:
            readers[name].append(node)
    return frozenset(
        node.name
        for node in graph.nodes
        if node.operator == "Reshape" and node.name != graph.output and _is_stacked(graph, node, readers[node.name])
    )


def _is_stacked(graph: Graph, node: Node, readers: list[Node]) -> bool:
    before, after = graph.values[node.inputs[0]], graph.values[node.name]
    axes = {reader.attributes["axis"] for reader in readers if reader.operator == "Concat"}
    return bool(readers) and all(r.operator == "Concat" for r in readers) and axes == {_new_axis(before, after)}


def _new_axis(before: Value, after: Value) -> int | None:
    """The axis of length 1 which is all that a value has more than another."""
    if after.rank != before.rank + 1:
        return None
    return next((a for a in range(after.rank) if after.shape == (*before.shape[:a], 1, *before.shape[a:])), None)


def takes_part(graph: Graph, node: Node) -> bool:
    """Whether a reshape takes the axis of length 1 from what a slice has cut."""
    cut = graph.by_name.get(node.inputs[0]) if node.operator == "Reshape" else None
    if cut is None or cut.operator != "Slice":
        return False
    shape, axis = graph.values[cut.name].shape, cut.attributes["axis"]
    return shape[axis] == 1 and graph.values[node.name].shape == (*shape[:axis], *shape[axis + 1 :])
