"""A graph of the language in PyTorch's operators: to train it, to use it, and to compare it with the original."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import torch

from harness.backends.torch import lowered_layers, lowered_moves, lowered_numbers
from harness.backends.torch.lowered_run import Function, Lower, Run
from harness.language.dependence import updates
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
    function: Function
    inputs: tuple[str, ...]
    last: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """A graph, ready to run in one float type.

    `updated` are the statistics that it updates, `read_beside` those of them that it reads elsewhere, too.
    """

    steps: tuple[_Step, ...]
    constants: Tensors = field(repr=False)
    output: str
    dtype: torch.dtype
    updated: frozenset[str]
    read_beside: frozenset[str]

    @classmethod
    def of(cls, graph: Graph, dtype: torch.dtype, ours: Mapping[str, Lower] = MappingProxyType({})) -> Program:
        """The program of a graph whose every node was checked against the table. `ours` adds operators that only this
        backend has, and replaces some of the language's."""
        lowered = {**LOWERED, **ours}
        lasts = _last_reads(graph.nodes, graph.output)
        steps = tuple(
            _Step(node.name, lowered[node.operator](node, graph), _inputs(node), last)
            for node, last in zip(graph.nodes, lasts, strict=True)
        )
        updated = frozenset(name for node in graph.nodes for name in updates(node))
        beside = updated & {graph.output, *(name for step in steps for name in step.inputs)}
        return cls(steps, _constants(graph, dtype), graph.output, dtype, updated, beside)

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
        values |= {_updated(name): tensors[name] for name in self.updated}
        values |= {name: tensors[name].clone() for name in self.read_beside}
        wanted = {self.output, *keep}
        for step in self.steps:
            values[step.name] = step.function(run, *[values[name] for name in step.inputs])
            for name in step.last:
                if name not in wanted:
                    del values[name]
        return {name: values[name] for name in wanted}

    def output_of(self, tensors: Tensors, images: torch.Tensor, drawn: Tensors | None = None) -> torch.Tensor:
        """The output alone."""
        return self.run(tensors, images, drawn=drawn)[self.output]


def _inputs(node: Node) -> tuple[str, ...]:
    """The names of a node's inputs, statistics that it updates under names of their own: every other node reads them as
    they were before."""
    written = updates(node)
    return tuple(_updated(name) if k >= len(node.inputs) - len(written) else name for k, name in enumerate(node.inputs))


def _updated(name: str) -> str:
    return f"{name} updated"


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


def as_language(tensors: Mapping[str, torch.Tensor], dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Tensors in the types of the language: floats as `dtype`, whole numbers as int64, masks as bool."""
    return {name: tensor.to(_type(tensor.dtype, dtype)) for name, tensor in tensors.items()}


def _type(own: torch.dtype, dtype: torch.dtype) -> torch.dtype:
    if own.is_floating_point:
        return dtype
    return own if own == torch.bool else torch.int64
