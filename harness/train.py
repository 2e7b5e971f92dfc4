"""One training run: the data order, the batches and the clock, the same for every framework."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from harness.backends.base import Images, Labels, Trainee
from harness.backends.losses import log_probabilities
from harness.inputs import arrange
from harness.records import Curve, RunStatus, Shape


@dataclass(frozen=True)
class TrainingData:
    """What a trainer may see: training images with labels, held-out images with labels, test images alone."""

    train_images: Images
    train_labels: Labels
    validation_images: Images
    validation_labels: Labels
    test_images: Images

    @classmethod
    def from_blobs(cls, blobs: dict[str, memoryview], shape: Shape) -> Self:
        """The arrays of a mapped data frame, images brought to the model's input shape."""
        parts = {}
        for name in cls.__dataclass_fields__:
            array = np.frombuffer(blobs[name], np.uint8)
            parts[name] = arrange(array.reshape(-1, 28, 28), shape) if name.endswith("images") else array
        return cls(**parts)


@dataclass(frozen=True)
class TrainingOutcome:
    """What a trainer returns. `predictions` is the class of each test image, one byte each."""

    status: RunStatus
    reason: str
    curve: Curve
    seconds: float
    predictions: bytes

    def header(self) -> dict[str, Any]:
        """The part of the outcome that travels as JSON."""
        return {"status": self.status, "reason": self.reason, "curve": asdict(self.curve), "seconds": self.seconds}


def train(trainee: Trainee, data: TrainingData, schedule: dict[str, int], seed: int) -> TrainingOutcome:
    """Train for `schedule["epochs"]` epochs, then classify the test images once.

    A loss that is not finite ends the run as diverged, with the curve up to there.
    """
    started = time.perf_counter()
    orders = np.random.default_rng(seed)
    history: list[tuple[float, float, float]] = []
    for epoch in range(schedule["epochs"]):
        order = orders.permutation(len(data.train_labels))
        losses = trainee.train_epoch(data.train_images, data.train_labels, order, schedule["batch_size"])
        if not np.isfinite(losses).all():
            reason = f"the loss became {losses[-1]} in epoch {epoch + 1}, batch {len(losses)}"
            return _outcome(RunStatus.DIVERGED, reason, history, started, b"")
        history.append((float(losses.mean()), *_validate(trainee, data)))
    outputs = trainee.predict(data.test_images)
    if not np.isfinite(outputs).all():
        return _outcome(RunStatus.DIVERGED, "the outputs on the test images are not finite", history, started, b"")
    return _outcome(RunStatus.DONE, "", history, started, _classes(outputs).tobytes())


def _validate(trainee: Trainee, data: TrainingData) -> tuple[float, float]:
    """Mean negative log-likelihood and accuracy on the held-out images."""
    outputs = trainee.predict(data.validation_images)
    labels = data.validation_labels
    log_likelihood = log_probabilities(outputs, trainee.output_kind)[np.arange(len(labels)), labels]
    return float(-log_likelihood.mean()), float((_classes(outputs) == labels).mean())


def _classes(outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    classes: npt.NDArray[np.uint8] = outputs.argmax(axis=1).astype(np.uint8)
    return classes


def _outcome(
    status: RunStatus, reason: str, history: list[tuple[float, float, float]], started: float, predictions: bytes
) -> TrainingOutcome:
    columns = tuple(tuple(column) for column in zip(*history, strict=True)) or ((), (), ())
    return TrainingOutcome(status, reason, Curve(*columns), time.perf_counter() - started, predictions)
