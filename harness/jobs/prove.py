"""Compare the compiled engine with a model's own framework: how it differentiates, and what it trained."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.framework import Framework
from harness.records.graph import OutputKind, Shape

PROVE, CLASSIFY = "prove", "classify"

WITHIN = 1e-4
"""The largest differences of losses, gradients and statistics that count as the same, beside the largest of each."""
OTHERS_WITHIN = 5 / 10_000
"""The share of test images that the framework may classify in another way: those near the border of two classes."""


@dataclass(frozen=True)
class ProveRequest:
    """An audited model, its initial weights (safetensors), and the size of a batch. Pixels are divided by `divisor`."""

    framework: Framework
    output_kind: OutputKind
    input_shape: Shape
    divisor: int
    batch_size: int
    graph: bytes
    weights: bytes


@dataclass(frozen=True)
class ProveAnswer:
    """The largest differences for the first batch between the engine and the framework in float64: of the loss beside
    the loss, of gradients and statistics each beside the largest entry of its tensor. `worst` says where the largest of
    them is."""

    loss: float
    gradients: float
    statistics: float
    worst: str

    @property
    def agrees(self) -> bool:
        """Whether each difference is within the limit."""
        return all(difference <= WITHIN for difference in (self.loss, self.gradients, self.statistics))


@dataclass(frozen=True)
class ClassifyRequest:
    """An audited model with trained weights, for its own framework to classify the test images."""

    framework: Framework
    output_kind: OutputKind
    input_shape: Shape
    divisor: int
    graph: bytes
    weights: bytes


@dataclass(frozen=True)
class ClassifyAnswer:
    """The class of each test image, one byte each."""

    predictions: bytes
