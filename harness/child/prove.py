"""Compares the compiled engine with a model's own framework, inside a locked child: the first batch's loss, every
gradient, and statistics.

The framework computes in float64, from the same weights and images and with the same random numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng

from harness.backends.base import Array, Arrays, Backend
from harness.child.train import TrainingData
from harness.child.validate import apart, largest, read_weights
from harness.jobs.losses import loss_of
from harness.jobs.prove import WITHIN, ClassifyAnswer, ClassifyRequest, ProveAnswer, ProveRequest
from harness.jobs.train import NO_OPTIMIZER
from harness.jobs.trainee import CompiledEngine, Images, Labels, Task
from harness.language.dependence import random_nodes, updates
from harness.language.graph import Graph, ModelGraph
from harness.language.sizes import at
from harness.language.text import read_model

BATCHES = 3
"""A number within rounding of a corner of relu, or two within rounding of each other in a max-pooling, give another
gradient in float32 than in float64, and both are right. So a batch that differs is followed by another one: an engine
that is wrong differs in all of them."""
SMALLEST_SHARE = 1e-6
"""Gradients that are this small in float64 beside the largest of all are rounding: a bias before a normalization has
them, whose every step the normalization takes back."""
ROUNDING = 100
"""In float32 they come to 1e-4 of the largest of all, so they are compared beside this many times the largest."""
SMALLEST_LOSS = 1e-2
"""A loss below it is compared as if it were as large: rounding does not get smaller with it."""


@dataclass(frozen=True)
class Difference:
    """How far two results are apart, beside their size, and what they are."""

    of: str
    what: str
    size: float


def prove(backend: Backend, engine: CompiledEngine, request: ProveRequest, data: TrainingData) -> ProveAnswer:
    """The largest differences for the first batch, or for the first of a few that agrees."""
    compared = _Compared(backend, engine, request, read_model(request.graph), read_weights(request.weights))
    order, found = default_rng(0).permutation(len(data.train_labels)), list[ProveAnswer]()
    for k in range(BATCHES):
        batch = order[k * request.batch_size : (k + 1) * request.batch_size]
        if len(batch):
            found.append(summed_up(compared.differences(data.train_images[batch], data.train_labels[batch], k)))
            if found[-1].agrees:
                return found[-1]
    return found[0]


def classify(backend: Backend, request: ClassifyRequest, data: TrainingData) -> ClassifyAnswer:
    """The class of each test image by the framework itself."""
    task = Task(request.graph, request.weights, request.output_kind, NO_OPTIMIZER, 0, request.divisor)
    outputs = backend.load(task).predict(data.test_images)
    return ClassifyAnswer(outputs.argmax(axis=1).astype(np.uint8).tobytes())


def summed_up(differences: Iterator[Difference]) -> ProveAnswer:
    """The largest difference of each kind, and where the largest of all is."""
    found = list(differences)
    most = {kind: max((d.size for d in found if d.of == kind), default=0.0) for kind in _KINDS}
    worst = max(found, key=lambda difference: difference.size)
    return ProveAnswer(**most, worst=f"{worst.what}: {worst.size:.1e}, at most {WITHIN:g}")


_KINDS = ("loss", "gradients", "statistics")


@dataclass(frozen=True)
class _Compared:
    """The engine and the framework, from the same weights for each batch."""

    backend: Backend
    engine: CompiledEngine
    request: ProveRequest
    model: ModelGraph
    weights: Arrays

    def differences(self, images: Images, labels: Labels, seed: int) -> Iterator[Difference]:
        """Loss, gradients and statistics of one batch."""
        drawn = draws(self.model.training, len(labels), default_rng(seed))
        asked = self.request
        task = Task(asked.graph, asked.weights, asked.output_kind, NO_OPTIMIZER, seed, asked.divisor)
        trainee = self.engine.load(task)
        loss, gradients = trainee.gradients(images, labels, drawn)
        if not np.isfinite(loss) and self._overflows(task, images, labels):
            yield Difference("loss", "the loss of a batch, which is not finite in float32", 0.0)
            return
        now = read_weights(trainee.state())
        scaled = images.astype(np.float64) / asked.divisor
        expected, exact, tensors = self._framework(scaled, labels, drawn)
        scale = max(abs(expected), SMALLEST_LOSS)
        yield Difference("loss", "the loss of a batch", apart(np.array(loss), np.array(expected), scale))
        yield from gradients_apart(exact, gradients)
        yield from self._statistics(tensors, now)

    def _overflows(self, task: Task, images: Images, labels: Labels) -> bool:
        """Whether the loss is not finite in the framework's float32 either: in float64 it may be."""
        return not np.isfinite(self.backend.load(task).gradients(images, labels)[0])

    def _framework(self, images: Array, labels: Labels, drawn: Arrays) -> tuple[float, Arrays, Arrays]:
        """The loss, its gradients, and all tensors after the pass, in float64."""
        lowered = self.backend.lowered(self.model, self.weights)
        outputs = lowered.run(True, images, None, drawn).outputs
        loss, direction = loss_of(outputs, labels, self.request.output_kind)
        done = lowered.run(True, images, direction, drawn)
        return loss, done.gradients, done.tensors

    def _statistics(self, expected: Arrays, found: Arrays) -> Iterator[Difference]:
        for name in sorted({name for node in self.model.training.nodes for name in updates(node)}):
            size = apart(expected[name], found[name], largest(expected[name]))
            yield Difference("statistics", f"{name} after a batch", size)


def draws(graph: Graph, count: int, chance: Generator) -> dict[str, Array]:
    """What each dropout keeps of a batch of `count` images."""
    return {
        node.name: (chance.random(at(graph.values[node.name].shape, count)) >= node.attributes["ratio"]).astype(float)
        for node in random_nodes(graph)
    }


def gradients_apart(expected: Arrays, found: Arrays) -> Iterator[Difference]:
    """Each gradient beside its largest entry."""
    most = max(map(largest, expected.values()), default=0.0)
    for name, gradient in expected.items():
        own = largest(gradient)
        size = apart(gradient, found[name], own if own > most * SMALLEST_SHARE else most * ROUNDING)
        yield Difference("gradients", f"the gradient of {name}", size)
