"""The slices of a graph, those of one value along one axis together: what is cut into equal parts is a split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from harness.language.graph import Graph, Node
from harness.language.sizes import Dimension


@dataclass(frozen=True)
class Cut:
    """All slices of the value `source` along `axis`, whose size is `whole`, in execution order."""

    source: str
    axis: int
    whole: Dimension
    nodes: tuple[Node, ...]

    @property
    def is_split(self) -> bool:
        """Whether the slices are equal parts, adjacent ones, and together the whole axis."""
        bounds = sorted({(node.attributes["start"], node.attributes["end"]) for node in self.nodes}, key=_first)
        if len(bounds) < 2 or any(node.attributes["step"] != 1 for node in self.nodes):
            return False
        edges = [0, *(end for _, end in bounds)]
        lengths = {end - start for start, end in bounds}
        return [start for start, _ in bounds] == edges[:-1] and edges[-1] == self.whole and len(lengths) == 1


def _first(bounds: Sequence[Dimension]) -> int:
    start = bounds[0]
    return start if isinstance(start, int) else start.at(1)


def cuts(graph: Graph) -> tuple[Cut, ...]:
    """The slices of a graph in groups."""
    groups: dict[tuple[str, int], list[Node]] = defaultdict(list)
    for node in graph.nodes:
        if node.operator == "Slice":
            groups[node.inputs[0], node.attributes["axis"]].append(node)
    return tuple(
        Cut(source, axis, graph.values[source].shape[axis], tuple(nodes)) for (source, axis), nodes in groups.items()
    )
