"""A model as data: its tensors, its operations, and what its outputs are."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from harness.records.framework import Framework

Shape = tuple[int, ...]


class OutputKind(StrEnum):
    """What the ten outputs of a model are, according to its graph; it selects the loss."""

    LOGITS = "logits"
    LOG_PROBABILITIES = "log-probabilities"
    PROBABILITIES = "probabilities"


class TensorKind(StrEnum):
    """How a model holds a tensor. Only a trainable parameter is trained; everything else is still capacity."""

    PARAMETER = "parameter"
    BUFFER = "buffer"
    UNREGISTERED = "unregistered"
    CONSTANT = "constant"


@dataclass(frozen=True)
class Tensor:
    """One tensor of an audited model. `label` is the student's own name for it and is never trusted."""

    name: str
    kind: TensorKind
    trainable: bool
    shape: Shape
    dtype: str
    label: str = ""

    @property
    def size(self) -> int:
        """How many numbers the tensor holds."""
        return math.prod(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether its numbers are floating point."""
        return self.dtype.startswith(("F", "BF"))


@dataclass(frozen=True)
class Window:
    """Geometry of a convolution or pooling: (height, width) pairs; padding is (top, bottom, left, right).

    `same` stands for a padding that is not known before the graph was measured; layer tables never have it.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    same: bool = False


@dataclass(frozen=True)
class Operation:
    """One operator of the evaluation graph in terms both frameworks share.

    `inputs` name earlier operations, tensors, or `INPUT`. `shape` is None until the graph was measured.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    window: Window | None = None
    groups: int = 1
    label: str = ""
    shape: Shape | None = None


INPUT = "input"
"""The name under which operations refer to the model's input."""


@dataclass(frozen=True)
class ModelGraph:
    """An audited model: what is graded. `updated` names the tensors that the training graph writes (statistics);
    `literals` counts the numbers to compute with that are in the graph itself."""

    framework: Framework
    input_shape: Shape
    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    output: str
    fingerprint: str
    updated: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    literals: int = 0

    def with_shapes(self, shapes: dict[str, Shape]) -> ModelGraph:
        """The same graph with each operation's measured output shape (without batch)."""
        measured = tuple(replace(op, shape=shapes.get(op.name)) for op in self.operations)
        return replace(self, operations=measured)
