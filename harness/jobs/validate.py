"""Ask whether a graph of the language computes what the framework's own graph does."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.draw import Draw
from harness.records.framework import Framework

VALIDATE = "validate"

OUTPUTS_WITHIN = 1e-6
GRADIENTS_WITHIN = 1e-3
STATISTICS_WITHIN = 1e-5
"""The largest differences that count as agreement. Keras has momentum and 1 - momentum as two float32 numbers that do
not add up to 1; a statistic of its graph is 1e-8 of its old value away from that of the language."""


@dataclass(frozen=True)
class ValidateRequest:
    """A framework's own graph, the text of the same model in the language, one seed's weights (safetensors), and for
    each random node where the original draws its numbers."""

    framework: Framework
    original: bytes
    graph: bytes
    weights: bytes
    training_draws: dict[str, Draw]
    evaluation_draws: dict[str, Draw]


@dataclass(frozen=True)
class ValidateAnswer:
    """The largest differences in float64: of outputs beside the largest output, of gradients beside the largest entry
    of their tensor, and of tensors after a pass beside the largest change that it made.

    `worst` says where the largest of them is, measured by its limit.
    """

    outputs: float
    gradients: float
    statistics: float
    worst: str

    @property
    def agrees(self) -> bool:
        """Whether each difference is within its limit."""
        return (
            self.outputs <= OUTPUTS_WITHIN
            and self.gradients <= GRADIENTS_WITHIN
            and self.statistics <= STATISTICS_WITHIN
        )
