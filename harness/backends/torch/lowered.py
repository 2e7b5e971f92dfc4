"""A graph of the language in PyTorch's operators: to train it, to use it, and to compare it with the original."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch

from harness.backends.torch import lowered_layers, lowered_moves, lowered_numbers
from harness.backends.torch.lowered_run import Lower, Run
from harness.language.graph import IMAGES, Graph, Kind, Node

LOWERED: Mapping[str, Lower] = MappingProxyType(
    {**lowered_layers.LOWERED, **lowered_moves.LOWERED, **lowered_numbers.LOWERED}
)
"""For each operator of the language, what makes a PyTorch function of a node."""

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class _Step:
    """One node as a function of earlier values; `last` are those that nothing reads after it."""

    name: str
    function: Callable[..., torch.Tensor]
    inputs: tuple[str, ...]
    last: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """A graph, ready to run in one float type.

    `ours` adds operators that only this backend has; it may replace those of the language.
    """

    steps: tuple[_Step, ...]
    constants: Tensors = field(repr=False)
    output: str
    dtype: torch.dtype

    @classmethod
    def of(cls, graph: Graph, dtype: torch.dtype, ours: Mapping[str, Lower] = MappingProxyType({})) -> Program:
        """The program of a graph whose every node was checked against the table."""
        lowered = {**LOWERED, **ours}
        functions = [lowered[node.operator](node, graph) for node in graph.nodes]
        lasts = _last_reads(graph.nodes, graph.output)
        steps = [
            _Step(node.name, *step, last)
            for node, step, last in zip(
                graph.nodes, zip(functions, (n.inputs for n in graph.nodes), strict=True), lasts, strict=True
            )
        ]
        return cls(tuple(steps), _constants(graph, dtype), graph.output, dtype)

    def run(
        self,
        tensors: Tensors,
        images: torch.Tensor,
        *,
        drawn: Tensors | None = None,
        keep: Collection[str] = (),
    ) -> dict[str, torch.Tensor]:
        """The output and the values to keep, by name. Statistics among `tensors` are updated in place.

        Random nodes draw from PyTorch's generator, unless `drawn` has their numbers.
        """
        run = Run(len(images), self.dtype, drawn or {})
        values = {**self.constants, **tensors, IMAGES: images}
        wanted = {self.output, *keep}
        for step in self.steps:
            values[step.name] = step.function(run, *[values[name] for name in step.inputs])
            for name in step.last:
                if name not in wanted:
                    del values[name]
        return {name: values[name] for name in wanted}


def _last_reads(nodes: Sequence[Node], output: str) -> list[tuple[str, ...]]:
    """For each node the earlier nodes' results that it is the last to read: their memory is needed no longer."""
    own = {node.name for node in nodes} - {output}
    left = Counter(name for node in nodes for name in set(node.inputs))
    lasts: list[tuple[str, ...]] = []
    for node in nodes:
        left.subtract(set(node.inputs))
        lasts.append(tuple(name for name in set(node.inputs) if name in own and not left[name]))
    return lasts


def _constants(graph: Graph, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    kinds = {name: graph.values[name].kind for name in graph.numbers}
    tensors = {name: torch.from_numpy(array.copy()) for name, array in graph.numbers.items()}
    return {name: t.to(dtype) if kinds[name] is Kind.FLOAT else t for name, t in tensors.items()}


def as_float(tensors: Mapping[str, torch.Tensor], dtype: torch.dtype) -> dict[str, Any]:
    """Tensors in the types of the language: floats as `dtype`, whole numbers as int64, masks as bool."""
    return {name: tensor.to(_type(tensor.dtype, dtype)) for name, tensor in tensors.items()}


def _type(own: torch.dtype, dtype: torch.dtype) -> torch.dtype:
    if own.is_floating_point:
        return dtype
    return own if own == torch.bool else torch.int64
