"""One training run, and what was observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RunStatus(StrEnum):
    """How one training run ended. A `refused` model gave invalid outputs; the stored result of a `damaged` run is
    impossible."""

    DONE = "done"
    DIVERGED = "diverged"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    REFUSED = "refused"
    CRASHED = "crashed"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Curve:
    """A learning curve: one value for each epoch, on training batches and on held-out images.

    `train_accuracy` is that on a sample of the training images after the epoch; it is empty where measuring it could
    change the model, and for runs older than this field.
    """

    train_loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()
    validation_accuracy: tuple[float, ...] = ()
    train_accuracy: tuple[float, ...] = ()


@dataclass(frozen=True)
class Readout:
    """Accuracy of a linear read-out of the values that enter one layer, before training: with the initial weights, and
    for each of several shuffles of them."""

    accuracy: float
    shuffled: tuple[float, ...]

    @property
    def errors_left(self) -> float:
        """The share of the best shuffle's errors that remain with the initial weights; about 1 if they are random."""
        return (1 - self.accuracy + _EQUAL) / (1 - max(self.shuffled, default=self.accuracy) + _EQUAL)


def beyond_shuffles(readouts: Sequence[Readout], limit: float) -> list[Readout]:
    """The read-outs with fewer errors left than `limit` that are also better than any shuffle of any layer.

    The second condition is for initializations such as the identity, which keep more of an image than shuffled weights
    do, but add nothing to it.
    """
    best = max((accuracy for one in readouts for accuracy in one.shuffled), default=1.0)
    return [one for one in readouts if one.errors_left < limit and one.accuracy > best]


_EQUAL = 0.005
"""Added to both shares of errors, so that accuracies close to 1 count as equal."""


@dataclass(frozen=True)
class Observations:
    """What a trainer observed about its model, as facts; whether that is a finding is decided when a board is made.

    `untrained_accuracy` is that on the held-out images before the first step. `unmoved` has the size of each trainable
    tensor that training left bit-identical. `readouts` are of the layers that follow another one with parameters, in
    their order; runs older than this field have none. A run that ended early has only what was observed until then.
    """

    untrained_accuracy: float | None = None
    unmoved: dict[str, int] = field(default_factory=dict)
    readouts: tuple[Readout, ...] = ()


@dataclass(frozen=True)
class RunResult:
    """How one training run (one graph, one seed) ended. `predictions` is one byte, the class, for each test image.

    `log_probabilities` of each class for each test image (float32) come from the trainer and are not kept: the
    controller reduces them to `test_loss`, the mean negative log-likelihood of the true class. It is None if the run
    did not get that far, or is older than this field. `weights` are the trained ones as safetensors, if requested; they
    are not stored.
    """

    key: str
    seed: int
    status: RunStatus
    reason: str = ""
    predictions: bytes = b""
    curve: Curve = field(default_factory=Curve)
    seconds: float = 0.0
    peak_memory: int = 0
    environment: dict[str, Any] = field(default_factory=dict)
    observations: Observations = field(default_factory=Observations)
    test_loss: float | None = None
    log_probabilities: bytes = field(default=b"", repr=False)
    weights: bytes = field(default=b"", repr=False)
