"""A model in the language: its tensors, and a graph of operators for training and one for evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy.typing as npt

from harness.language.sizes import Dimensions
from harness.records.framework import Framework
from harness.records.graph import Shape, Tensor

IMAGES = "images"
"""The name of the input: (N, *input shape), float."""


class Kind(StrEnum):
    """What the numbers of a value are. Floats are float32; only indices and masks are anything else."""

    FLOAT = "float"
    INT = "int"
    BOOL = "bool"


@dataclass(frozen=True)
class Value:
    """One value of a graph: the images, a tensor, a constant or the result of a node."""

    name: str
    shape: Dimensions
    kind: Kind = Kind.FLOAT

    @property
    def rank(self) -> int:
        """The number of its axes."""
        return len(self.shape)


@dataclass(frozen=True)
class Node:
    """One operator at work. Its one result has the node's own name."""

    name: str
    operator: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Constant:
    """Numbers written into a graph: float32, int64 or bool."""

    name: str
    array: npt.NDArray[Any]


@dataclass(frozen=True)
class Graph:
    """The nodes of one mode in execution order. `values` has by name: the images, each tensor and constant that a node
    reads, and each node's result."""

    nodes: tuple[Node, ...]
    constants: tuple[Constant, ...]
    output: str
    values: Mapping[str, Value] = field(repr=False)

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """Each node by its name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def numbers(self) -> Mapping[str, npt.NDArray[Any]]:
        """The array of each constant by its name."""
        return {constant.name: constant.array for constant in self.constants}

    def inputs_of(self, node: Node) -> tuple[Value, ...]:
        """The values that a node reads."""
        return tuple(self.values[name] for name in node.inputs)

    def reads(self) -> Iterator[str]:
        """The names of all values that nodes read, and of the output."""
        for node in self.nodes:
            yield from node.inputs
        yield self.output


@dataclass(frozen=True)
class ModelGraph:
    """An audited model: what is graded. `labels` are the student's names for results of evaluation nodes."""

    framework: Framework
    input_shape: Shape
    tensors: tuple[Tensor, ...]
    training: Graph
    evaluation: Graph
    fingerprint: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def tensor_names(self) -> frozenset[str]:
        """The names of all tensors."""
        return frozenset(tensor.name for tensor in self.tensors)

    @cached_property
    def used(self) -> frozenset[str]:
        """Tensors that either graph reads."""
        return self.tensor_names & {*self.training.reads(), *self.evaluation.reads()}
