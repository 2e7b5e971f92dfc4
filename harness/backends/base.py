"""What a backend offers: the same three jobs for every framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from harness.backends.source import Sources
from harness.jobs.train import Optimizer
from harness.language.graph import ModelGraph
from harness.records.artifact import Artifact
from harness.records.draw import Draw
from harness.records.graph import OutputKind

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]
Shares = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Activations = dict[str, Floats]
Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]
"""By tensor name: float64, int64 or bool."""
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
        """Training loss of one batch and its gradient for each trainable tensor, without a step."""


@dataclass(frozen=True)
class Pass:
    """What one pass in float64 gave. `tensors` are all tensors after it; `gradients` those of sum(outputs * direction)
    for each trainable tensor, zeros where there is none; `drawn` the random numbers that were asked for."""

    outputs: Array
    tensors: Arrays
    gradients: Arrays
    drawn: Arrays


class Original(Protocol):
    """A framework's own graph in float64. Each run starts from the same weights."""

    def run(self, is_training: bool, images: Array, direction: Array | None, draws: Mapping[str, Draw]) -> Pass:
        """One pass; random numbers are the framework's own, and those at `draws` are returned. Gradients only with a
        `direction`."""


class Lowered(Protocol):
    """A graph of the language in float64. Each run starts from the same weights."""

    def run(self, is_training: bool, images: Array, direction: Array | None, drawn: Arrays) -> Pass:
        """One pass with these random numbers: for each random node those that the interpreter takes."""


class Backend(Protocol):
    """A framework's three jobs. Each runs in its own process; seeds of one submission may be built in the same one."""

    def build(self, sources: Sources, seed: int) -> Artifact:
        """Run student code and export it as data. Raises SubmissionError with what the student must fix."""

    def clear(self) -> None:
        """Free what earlier builds left in this process, and undo their settings, before another seed is built."""

    def load(self, task: Task) -> Trainee:
        """An audited model, ready to train."""

    def original(self, graph: bytes, weights: Arrays) -> Original:
        """The framework's own graph, audited, ready to be compared."""

    def lowered(self, model: ModelGraph, weights: Arrays) -> Lowered:
        """The same model in the language, in this framework's operators."""

    def reader(self, graph: bytes, weights: bytes, names: Sequence[str]) -> Reader:
        """What reads the values of named nodes of the evaluation graph, for any number of batches."""
