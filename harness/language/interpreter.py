"""What each operator of the language means: NumPy in float64, forward only. Whatever else runs a graph is compared
with this.

The functions are in `elementwise`, `moving`, `normalizing`, `spatial` and `windows`. Each docstring names the
subgradient where there is no derivative, and where a framework has another (`tests/test_language_subgradients.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.language.dependence import updates
from harness.language.elementwise import ELEMENTWISE, Meaning
from harness.language.graph import IMAGES, Graph, Node
from harness.language.moving import MOVING, TYPES
from harness.language.normalizing import NORMALIZING, updated
from harness.language.operators import OPERATORS
from harness.language.sizes import Size, at
from harness.language.spatial import SPATIAL
from harness.language.windows import WINDOWS

Array = npt.NDArray[Any]

MEANINGS: Mapping[str, Meaning] = {**ELEMENTWISE, **MOVING, **NORMALIZING, **SPATIAL, **WINDOWS}
"""What each operator computes. A random one is given what was drawn after its inputs."""


@dataclass(frozen=True)
class Results:
    """What a graph computes for a batch: its output, the values that were to be kept, and what batch normalizations in
    training leave in their means and variances. Floats are float64."""

    output: Array
    kept: Mapping[str, Array]
    updates: Mapping[str, Array]


def run(
    graph: Graph,
    tensors: Mapping[str, Array],
    images: Array,
    draws: Mapping[str, Array] | None = None,
    *,
    keep: Collection[str] = (),
) -> Results:
    """Computes a graph for a batch of images (N, *input shape).

    `draws` has, for each random node by its name, numbers in the shape of its result: for Dropout 1 to keep and 0 to
    drop, for the others what was drawn. `keep` names further values to return. A tensor that is updated is read as it
    was before. Raises ArtifactError for indices outside of an axis, KeyError for missing tensors or draws.
    """
    work = _Run(graph, tensors, len(images), draws or {})
    work.set(IMAGES, images)
    last_reads = {name: k for k, node in enumerate(graph.nodes) for name in node.inputs}
    needed = {graph.output, *keep}
    with np.errstate(all="ignore"):
        for k, node in enumerate(graph.nodes):
            work.compute(node)
            for name in {node.name, *node.inputs} - needed:
                if last_reads.get(name, k) == k:
                    work.values.pop(name, None)
    return Results(work.read(graph.output), {name: work.read(name) for name in keep}, work.updates)


class _Run:
    """The values of a graph for one batch, as far as they are computed and still needed."""

    def __init__(self, graph: Graph, tensors: Mapping[str, Array], count: int, draws: Mapping[str, Array]) -> None:
        self.graph, self.tensors, self.count, self.draws = graph, tensors, count, draws
        self.values: dict[str, Array] = {}
        self.updates: dict[str, Array] = {}

    def read(self, name: str) -> Array:
        if name not in self.values:
            self.set(name, self.graph.numbers[name] if name in self.graph.numbers else self.tensors[name])
        return self.values[name]

    def set(self, name: str, numbers: Array) -> None:
        value = self.graph.values[name]
        shape = at(value.shape, self.count)
        if numbers.shape != shape:
            raise AssertionError(f"{name} has shape {numbers.shape}, and {shape} according to its graph")
        self.values[name] = numbers.astype(TYPES[value.kind], copy=False)

    def compute(self, node: Node) -> None:
        inputs = [self.read(name) for name in node.inputs]
        drawn = [self.draws[node.name]] if OPERATORS[node.operator].is_random else []
        attributes = {name: _at(value, self.count) for name, value in node.attributes.items()}
        result = np.asarray(MEANINGS[node.operator](*inputs, *drawn, **attributes))
        kind = self.graph.values[node.name].kind
        if result.dtype != TYPES[kind] and not drawn:
            raise AssertionError(f"{node.operator} gave {result.dtype} numbers, and {kind} according to the table")
        self.set(node.name, result)
        self.updates.update(self._updates(node, inputs[0] if inputs else result))

    def _updates(self, node: Node, x: Array) -> Iterator[tuple[str, Array]]:
        """A layer that is used twice updates its statistics twice."""
        if names := updates(node):
            old = [self.updates.get(name, self.read(name)) for name in names]
            settings = {name: node.attributes[name] for name in ("momentum", "unbiased")}
            yield from zip(names, updated(x, old[0], old[1], **settings), strict=True)


def _at(value: Any, count: int) -> Any:
    """An attribute for a batch of `count` images."""
    if isinstance(value, Size):
        return value.at(count)
    return tuple(_at(item, count) for item in value) if isinstance(value, tuple) else value
