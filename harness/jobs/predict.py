"""Ask a trained model which digit each picture shows."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.framework import Framework
from harness.records.graph import OutputKind, Shape

PREDICT = "predict"


@dataclass(frozen=True)
class PredictRequest:
    """An audited model with trained weights, pictures as files, and the operations whose values are requested."""

    framework: Framework
    output_kind: OutputKind
    input_shape: Shape
    divisor: int
    operations: tuple[str, ...]
    graph: bytes
    weights: bytes
    pictures: tuple[bytes, ...]


@dataclass(frozen=True)
class Looked:
    """The result for one picture: a probability for each class and the sides of the thumbnail, or its problem:
    expected, found, try."""

    probabilities: tuple[float, ...] = ()
    thumbnail: tuple[int, ...] = ()
    problem: tuple[str, ...] = ()


@dataclass(frozen=True)
class PredictAnswer:
    """One entry for each picture. `digits` are what the model saw, `thumbnails` are smaller copies for a report,
    `activations` the values of the requested operations back to back (float32); empty for a picture with a problem."""

    looked: tuple[Looked, ...]
    digits: tuple[bytes, ...]
    thumbnails: tuple[bytes, ...]
    activations: tuple[bytes, ...]
