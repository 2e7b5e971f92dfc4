"""One training run, and what was noticed about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RunStatus(StrEnum):
    """How one training run ended. A `refused` model gave outputs that are no answer; what is stored of a `damaged` run
    cannot be how one ended."""

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

    `train_accuracy` is that on a sample of the training images after the epoch; it is empty where looking could change
    the model, and for runs that are older than it.
    """

    train_loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()
    validation_accuracy: tuple[float, ...] = ()
    train_accuracy: tuple[float, ...] = ()


@dataclass(frozen=True)
class Observations:
    """What a trainer noticed about its model, as facts; whether that is a finding is decided when a board is made.

    `untrained_accuracy` is that on the held-out images before the first step. `unmoved` has the size of each trainable
    tensor in which training did not change a bit. Of `batch_images` images, the probabilities of `batch_dependent`
    changed with the other images of the batch, and so did the class of `reclassified`. A run that ended early has
    only what was looked at until then.
    """

    untrained_accuracy: float | None = None
    unmoved: dict[str, int] = field(default_factory=dict)
    batch_images: int = 0
    batch_dependent: int = 0
    reclassified: int = 0


@dataclass(frozen=True)
class RunResult:
    """How one training run (one graph, one seed) ended. `predictions` is one byte, the class, for each test image.

    `log_probabilities` of each class for each test image (float32) come from the trainer and are not kept: `test_loss`
    is what the controller makes of them, the mean negative log-likelihood of the right class. It is None where the run
    did not get so far, or is older than this figure. `weights` are the trained ones as safetensors, where they were
    asked for; they are no part of what is stored.
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
