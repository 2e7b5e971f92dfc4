"""Slices that cut an axis into parts: one split, whose gradient puts the parts together once.

A slice on its own has a gradient of the size of what it was taken from, so a sequence of n steps would cost n times its
length.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.language.graph import Graph, Node


@dataclass(frozen=True)
class Part:
    """One of the parts that an axis of a value is split into."""

    source: str
    axis: int
    sizes: tuple[int, ...]
    place: int


def parts_of(graph: Graph) -> Mapping[str, Part]:
    """For each slice that is one of several, none of which overlap: which part of its axis it is."""
    families: dict[tuple[str, int], list[Node]] = {}
    for node in graph.nodes:
        if node.operator == "Slice" and node.attributes["step"] == 1:
            families.setdefault((node.inputs[0], node.attributes["axis"]), []).append(node)
    return {name: part for key, nodes in families.items() for name, part in _split(graph, *key, nodes)}


def _split(graph: Graph, source: str, axis: int, nodes: list[Node]) -> Iterator[tuple[str, Part]]:
    length = graph.values[source].shape[axis]
    bounds = [(node.attributes["start"], node.attributes["end"]) for node in nodes]
    if len(nodes) < 2 or not all(isinstance(place, int) for place in (length, *sum(bounds, ()))):
        return
    order = sorted(bounds)
    if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(order)):
        return
    places = sorted({0, length, *sum(bounds, ())})
    sizes = tuple(end - start for start, end in itertools.pairwise(places))
    for node, (start, _) in zip(nodes, bounds, strict=True):
        yield node.name, Part(source, axis, sizes, places.index(start))
