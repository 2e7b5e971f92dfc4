"""Ask a trained model which digit is on each of some pictures."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.framework import Framework
from harness.records.graph import OutputKind, Shape

PREDICT = "predict"


@dataclass(frozen=True)
class PredictRequest:
    """An audited model with trained weights, pictures as files, and the operations whose values are wanted."""

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
    """What came of one picture: a probability for each class and the sides of the thumbnail, or what is wrong with it:
    expected, found, try."""

    probabilities: tuple[float, ...] = ()
    thumbnail: tuple[int, ...] = ()
    problem: tuple[str, ...] = ()


@dataclass(frozen=True)
class PredictAnswer:
    """One entry for each picture. `digits` are what the model saw, `thumbnails` what was made smaller for a report,
    `activations` the values of the wanted operations back to back (float32); empty for a picture with a problem."""

    looked: tuple[Looked, ...]
    digits: tuple[bytes, ...]
    thumbnails: tuple[bytes, ...]
    activations: tuple[bytes, ...]
