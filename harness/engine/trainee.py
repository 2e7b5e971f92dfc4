"""Trains a graph of the language with compiled kernels. Knows no framework."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from harness.engine.compiled import Host, host
from harness.engine.coverage import plans_of
from harness.engine.kernels import batches
from harness.engine.linked import Linker
from harness.engine.memory import Batch, batch_of
from harness.engine.program import Program
from harness.engine.tensors import Tensors, zeros
from harness.jobs.losses import PROBABILITY_FLOOR
from harness.jobs.outputs import joined
from harness.jobs.train import Optimizer
from harness.jobs.trainee import EVALUATION_BATCH, Activations, Floats, Images, Labels, Reader, Shares, Task
from harness.language.text import read_model

Drawn = Mapping[str, npt.NDArray[Any]]
_EVALUATED = 128
"""Images of one pass in evaluation."""
_with_any_numbers = np.errstate(all="ignore")
"""Numbers that are too large, or none, are a model's own affair: NumPy need not warn of them."""


class CompiledTrainee:
    """A graph in training. It is compiled for the size of its first batch; a larger one compiles it again."""

    def __init__(self, task: Task, chosen: Host | None = None) -> None:
        self.output_kind = task.output_kind
        self._task, self._host = task, chosen or host()
        self._graph = read_model(task.graph)
        self._tensors = Tensors(self._graph.tensors, safetensors.numpy.load(task.weights))
        self._plans = plans_of(self._graph)
        self._optimizer = optimizer_of(task.optimizer, self._tensors)
        self._random = np.random.SFC64(task.seed)
        self._most = 0
        self._ready(_EVALUATED)

    def _ready(self, most: int) -> None:
        if most <= self._most:
            return
        self._most = most
        linker = Linker(self._host)
        self._training, self._evaluation = (
            Program(plan, self._tensors, linker, size, self._task.divisor, trains=trains)
            for plan, size, trains in zip(self._plans, (most, _EVALUATED), (True, False), strict=True)
        )
        self._training.memory.draw_from(self._random)
        self._training.bind_loss(self.output_kind, PROBABILITY_FLOOR)
        self._optimizer.bind(linker)
        linker.link()

    def train_epoch(
        self, images: Images, labels: Labels, order: npt.NDArray[np.int64], batch_size: int, shares: Shares
    ) -> npt.NDArray[np.float32]:
        """Train once through `order`; each batch's loss. Stops after the first loss that is not finite."""
        self._ready(batch_size)
        images = np.ascontiguousarray(images)
        losses: list[float] = []
        for start, share in zip(range(0, len(order), batch_size), shares.tolist(), strict=True):
            batch = self._batch(images, order[start : start + batch_size], labels)
            losses.append(self._pass(batch))
            if not math.isfinite(losses[-1]):
                break
            self._optimizer(share)
        return np.array(losses, np.float32)

    def _batch(
        self, images: Images, chosen: npt.NDArray[np.int64], labels: Labels | None, drawn: Drawn | None = None
    ) -> Batch:
        return batch_of(images, chosen, self._host.lanes, labels, drawn=drawn or {})

    @_with_any_numbers
    def _pass(self, batch: Batch) -> float:
        self._training.forward(batch)
        loss = self._training.loss(batch)
        if math.isfinite(loss):
            self._training.backward(batch)
        return loss

    def predict(self, images: Images, batch_size: int = EVALUATION_BATCH) -> npt.NDArray[np.float32]:  # noqa: ARG002
        """Outputs (count, classes) in evaluation mode. However many images are asked for at a time, the results are the
        same, so they are computed as suits the memory."""
        images = np.ascontiguousarray(images)
        parts = _parts(len(images))
        return joined([self._outputs(images, part) for part in parts], [len(part) for part in parts])

    @_with_any_numbers
    def _outputs(self, images: Images, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        batch = self._batch(images, chosen, None)
        self._evaluation.forward(batch)
        return self._evaluation.outputs(batch)

    def reader(self, graph: bytes, weights: bytes, names: Sequence[str]) -> Reader:
        """What reads, with these weights, the values of named nodes of its own evaluation graph that enter a layer;
        others are left out."""
        assert graph == self._task.graph, "another model's graph"
        given = safetensors.numpy.load(weights)
        known = [name for name in names if name in self._plans[1].layers]

        def read(images: Floats) -> Activations:
            own = self._tensors.now()
            self._tensors.load(given)
            try:
                parts = [self._layers(images[part], known) for part in _parts(len(images))]
            finally:
                self._tensors.load(own)
            return {name: np.concatenate([part[name] for part in parts]) for name in known}

        return read

    @_with_any_numbers
    def _layers(self, images: Floats, names: Sequence[str]) -> Activations:
        batch = self._batch(np.empty(0, np.uint8), np.arange(len(images)), None)
        self._evaluation.forward(batch, images)
        return {name: self._evaluation.layer(name, batch) for name in names}

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """A copy of each trainable tensor as it is now."""
        return {name: self._tensors[name].astype(np.float64) for name in self._tensors.trainable}

    def state(self) -> bytes:
        """Every tensor of the graph as it is now, as safetensors, in the types that they came in."""
        return bytes(safetensors.numpy.save(self._tensors.now()))

    def gradients(
        self, images: Images, labels: Labels, drawn: Drawn | None = None
    ) -> tuple[float, dict[str, npt.NDArray[np.float32]]]:
        """Training loss of one batch and its gradients by tensor name; with the random numbers that are given."""
        self._ready(len(labels))
        self._tensors.gradients.fill(0)
        loss = self._pass(self._batch(np.ascontiguousarray(images), np.arange(len(labels)), labels, drawn))
        return loss, self._tensors.slopes()


def _parts(count: int) -> list[npt.NDArray[np.int64]]:
    return [np.arange(start, min(start + _EVALUATED, count)) for start in range(0, count, _EVALUATED)]


class OptimizerStep(Protocol):
    """A step of an optimizer. What it remembers of earlier ones outlives its kernel."""

    def bind(self, linker: Linker) -> None:
        """Write the kernel."""

    def __call__(self, share: float) -> None:
        """Take a step, with this share of the learning rate."""


def optimizer_of(chosen: Optimizer, tensors: Tensors) -> OptimizerStep:
    """A step of the optimizer for all trainable tensors."""
    return (_Adam if chosen.name == "adam" else _Sgd)(chosen, tensors)


class _Adam:
    def __init__(self, chosen: Optimizer, tensors: Tensors) -> None:
        self._chosen, self._tensors, self._steps = chosen, tensors, 0
        self._constants = zeros((5,))
        self._moments = [zeros((tensors.size,)) for _ in range(2)]

    def bind(self, linker: Linker) -> None:
        name, tensors = batches.adam(linker.code), self._tensors
        self._vectors = tensors.size // linker.host.lanes
        self._kernel = linker.kernel(name, tensors.parameters, tensors.gradients, *self._moments, self._constants)

    def __call__(self, share: float) -> None:
        self._steps += 1
        chosen = self._chosen
        first, second = 1 - chosen.beta_1**self._steps, 1 - chosen.beta_2**self._steps
        rate = chosen.learning_rate * share
        numbers = 1 - chosen.beta_1, 1 - chosen.beta_2, chosen.epsilon, rate / first, 1 / math.sqrt(second)
        self._constants[:] = numbers
        self._kernel(self._vectors)


class _Sgd:
    def __init__(self, chosen: Optimizer, tensors: Tensors) -> None:
        self._chosen, self._tensors = chosen, tensors
        self._constants, self._momenta = zeros((2,)), zeros((tensors.size,))

    def bind(self, linker: Linker) -> None:
        name, tensors = batches.sgd(linker.code), self._tensors
        self._vectors = tensors.size // linker.host.lanes
        self._kernel = linker.kernel(name, tensors.parameters, tensors.gradients, self._momenta, self._constants)

    def __call__(self, share: float) -> None:
        self._constants[:] = self._chosen.learning_rate * share, self._chosen.momentum
        self._kernel(self._vectors)


def load(task: Task, chosen: Host | None = None) -> CompiledTrainee:
    """An audited model, ready to train. Raises NotCovered."""
    return CompiledTrainee(task, chosen)
