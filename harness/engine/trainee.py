"""Trains a graph of the language with compiled kernels. Knows no framework."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from harness.engine.chain import NotCovered, chain_of
from harness.engine.compiled import Host, host
from harness.engine.kernels import batches
from harness.engine.layout import Plan, plan_of
from harness.engine.linked import Linker
from harness.engine.memory import Batch, batch_of
from harness.engine.program import Program
from harness.engine.tensors import Tensors, zeros
from harness.jobs.losses import PROBABILITY_FLOOR
from harness.jobs.outputs import joined
from harness.jobs.train import Optimizer
from harness.jobs.trainee import EVALUATION_BATCH, Activations, Array, Floats, Images, Labels, Reader, Shares, Task
from harness.language.graph import ModelGraph
from harness.language.text import read_model
from harness.records.graph import OutputKind
from harness.records.inputs import CLASSES

_EVALUATED = 128
"""Images of one pass in evaluation."""


class CompiledTrainee:
    """A graph in training. It is compiled for the size of its first batch; a larger one compiles it again."""

    def __init__(self, task: Task, chosen: Host | None = None) -> None:
        self.output_kind = task.output_kind
        self._task, self._host = task, chosen or host()
        self._graph = read_model(task.graph)
        self._tensors = Tensors(self._graph.tensors, safetensors.numpy.load(task.weights))
        self._plans = plans_of(self._graph)
        self._most = 0
        self._ready(_EVALUATED)
        self._means, self._squares = (zeros((self._tensors.size,)) for _ in range(2))

    def _ready(self, most: int) -> None:
        if most <= self._most:
            return
        self._most = most
        linker = Linker(self._host)
        self._training, self._evaluation = (
            Program(plan, self._tensors, linker, size, self._task.divisor, trains=trains)
            for plan, size, trains in zip(self._plans, (most, _EVALUATED), (True, False), strict=True)
        )
        self._training.memory.seed(self._task.seed)
        self._training.bind_loss(self.output_kind, PROBABILITY_FLOOR)
        self._optimizer = optimizer_of(self._task.optimizer, linker, self._tensors)
        linker.link()
