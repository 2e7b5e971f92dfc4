"""The slices of a graph, those of one value along one axis together: what is cut into equal parts is a split."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

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
        bounds = self._bounds
        edges = [0, *(end for _, end in bounds)]
        is_adjacent = [start for start, _ in bounds] == edges[:-1] and edges[-1] == self.whole
        return len(bounds) > 1 and is_adjacent and self._are_equally_long

    @property
    def spacing(self) -> tuple[Dimension, Dimension] | None:
        """Where the first slice starts and how far the next ones are, if they are equally long and evenly spaced."""
        starts = [start for start, _ in self._bounds]
        steps = {after - before for before, after in pairwise(starts)}
        return (starts[0], steps.pop()) if len(starts) > 2 and len(steps) == 1 and self._are_equally_long else None

    @cached_property
    def _bounds(self) -> list[tuple[Dimension, Dimension]]:
        return sorted({(node.attributes["start"], node.attributes["end"]) for node in self.nodes}, key=_first)

    @property
    def _are_equally_long(self) -> bool:
        lengths = {end - start for start, end in self._bounds}
        return len(lengths) == 1 and all(node.attributes["step"] == 1 for node in self.nodes)


def _first(bounds: tuple[Dimension, Dimension]) -> int:
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
