"""What a backend offers: the same three jobs for every framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

from harness.backends.source import Sources
from harness.jobs.trainee import Reader, Task, Trainee
from harness.language.graph import ModelGraph
from harness.records.artifact import Artifact
from harness.records.draw import Draw

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]
"""By tensor name: float64, int64 or bool."""


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
