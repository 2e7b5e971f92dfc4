"""What trains one model: the same for every framework, and for the engine that needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from harness.jobs.train import Optimizer
from harness.records.graph import OutputKind

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]
Shares = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Activations = dict[str, Floats]
Reader = Callable[[Floats], Activations]
"""Runs a loaded model on images (count, *input shape); the values of its named nodes."""
EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Task:
    """One model to train: audited graph, initial weights (safetensors), loss, optimizer, what pixels are divided by."""

    graph: bytes
    weights: bytes
    output_kind: OutputKind
    optimizer: Optimizer
    seed: int
    divisor: int = 255


class Trainee(Protocol):
    """A loaded model. Images are uint8 of shape (count, *input shape); they are divided as the task says."""

    output_kind: OutputKind

    def train_epoch(
        self, images: Images, labels: Labels, order: npt.NDArray[np.int64], batch_size: int, shares: Shares
    ) -> npt.NDArray[np.float32]:
        """Train once through `order` and return each batch's loss; stops after the first loss that is not finite.

        `shares` has each batch's share of the optimizer's learning rate.
        """

    def predict(self, images: Images, batch_size: int = EVALUATION_BATCH) -> npt.NDArray[np.float32]:
        """The model's outputs (count, classes) in evaluation mode, `batch_size` images at a time."""

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """A copy of each trainable tensor as it is now."""

    def state(self) -> bytes:
        """Every tensor of the graph as it is now, as safetensors."""

    def gradients(self, images: Images, labels: Labels) -> tuple[float, dict[str, npt.NDArray[np.float32]]]:
        """Training loss of one batch and its gradient for each trainable tensor, without a step; statistics are
        updated, as in every pass of training."""


class Reads(Protocol):
    """What shows the values inside of a model."""

    def reader(self, graph: bytes, weights: bytes, names: Sequence[str]) -> Reader:
        """What reads the values of named nodes of the evaluation graph, for any number of batches."""


class Trainer(Protocol):
    """What trains models: a framework's backend, or the compiled engine."""

    def load(self, task: Task) -> Trainee:
        """An audited model, ready to train."""


class Compiled(Trainee, Reads, Protocol):
    """A model loaded by the compiled engine: it reads its own graph with any weights, and it can be given random
    numbers, so that its gradients can be compared."""

    def gradients(
        self, images: Images, labels: Labels, drawn: Mapping[str, npt.NDArray[Any]] | None = None
    ) -> tuple[float, dict[str, npt.NDArray[np.float32]]]:
        """As without `drawn`, which has for each dropout 1 to keep and 0 to drop, in the shape of its value."""


class CompiledEngine(Protocol):
    """The compiled engine, as a trainer."""

    def load(self, task: Task) -> Compiled:
        """An audited model, ready to train. Raises ValueError for one that is not covered."""
