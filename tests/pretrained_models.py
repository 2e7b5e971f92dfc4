"""Models that were trained elsewhere and are handed in as if they were new, in many disguises; any framework."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import safetensors.numpy

from harness.artifact.audit import read_artifact
from harness.child.readout import readouts
from harness.child.train import TrainingData, shares_of
from harness.child.worker import import_backend
from harness.datasets import mnist
from harness.jobs.train import Course, Optimizer, TrainRequest
from harness.jobs.trainee import Task
from harness.model.readable import before_layers
from harness.model.rows import read_rows
from harness.records.artifact import Artifact
from harness.records.engine import Engine
from harness.records.graph import OutputKind
from harness.records.inputs import arrange
from harness.records.run import Readout

Weights = dict[str, np.ndarray]
Layers = list[tuple[str, ...]]
OPTIMIZER = Optimizer("adam", 3e-3, 0.0, 0.9, 0.999, 1e-8)


def trained(artifact: Artifact, images: int, epochs: int) -> Artifact:
    """The model after training on the first images, as the harness trains."""
    data, shape = mnist.load(), read_artifact(artifact).input_shape
    task = Task(artifact.graph, artifact.weights[0], OutputKind.LOGITS, OPTIMIZER, 0)
    trainee, orders = import_backend(artifact.framework).load(task), np.random.default_rng(0)
    for shares in shares_of(Course(epochs, 128, "linear"), images):
        order = orders.permutation(images)
        trainee.train_epoch(arrange(data.train_images[:images], shape), data.train_labels[:images], order, 128, shares)
    return replace(artifact, weights=(trainee.state(),))


def layers_of(artifact: Artifact) -> Layers:
    """The tensors of each layer that has a matrix or filters, in execution order."""
    graph = read_artifact(artifact)
    matrices = {tensor.name for tensor in graph.tensors if tensor.trainable and len(tensor.shape) > 1}
    return [layer.tensors for layer in read_rows(graph).layers if matrices.intersection(layer.tensors)]


def last_fresh(count: int) -> Callable[..., Weights]:
    """The last layers start anew."""

    def disguise(weights: Weights, fresh: Weights, layers: Layers) -> Weights:
        return {**weights, **{name: fresh[name] for layer in layers[-count:] for name in layer}}

    return disguise


def changed_last(change: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Weights]:
    """The last layer is changed so that its answers are wrong."""

    def disguise(weights: Weights, fresh: Weights, layers: Layers) -> Weights:
        return {**weights, **{name: np.ascontiguousarray(change(weights[name])) for name in layers[-1]}}

    return disguise


def noise(share: float) -> Callable[..., Weights]:
    """Every layer gets noise in proportion to its deviation, and the last one starts anew."""

    def disguise(weights: Weights, fresh: Weights, layers: Layers) -> Weights:
        draw, found = np.random.default_rng(1), dict(weights)
        for name in (name for layer in layers for name in layer):
            found[name] = weights[name] + np.float32(share) * weights[name].std() * draw.normal(
                size=weights[name].shape
            ).astype(np.float32)
        return last_fresh(1)(found, fresh, layers)

    return disguise


def permuted_filters(weights: Weights, fresh: Weights, layers: Layers) -> Weights:
    """The first layer's outputs in another order, and the second one's inputs to match, in PyTorch's layout; the last
    layer starts anew."""
    first, (onto, *_) = layers[:2]
    order = np.random.default_rng(2).permutation(len(weights[first[0]]))
    found = {**weights, **{name: weights[name][order] for name in first}}
    assert weights[onto].shape[1] == len(order)
    return last_fresh(1)({**found, onto: np.ascontiguousarray(weights[onto][:, order])}, fresh, layers)


def scaled(weights: Weights, fresh: Weights, layers: Layers) -> Weights:
    """The first layer times 1,000 and the second one's weights to match, which changes no answer of a model with relu;
    the last layer starts anew."""
    found = {**weights, **{name: weights[name] * np.float32(1000) for name in layers[0]}}
    onto = layers[1][0]
    return last_fresh(1)({**found, onto: weights[onto] / np.float32(1000)}, fresh, layers)


DISGUISES: dict[str, Callable[..., Weights]] = {
    "as trained": lambda weights, fresh, layers: weights,
    "last layer fresh": last_fresh(1),
    "last layer permuted": changed_last(lambda values: np.roll(values, 3, axis=values.shape.index(10))),
    "last layer negated": changed_last(np.negative),
    "last two layers fresh": last_fresh(2),
    "filters permuted to match": permuted_filters,
    "first layer scaled to match": scaled,
    "noise of 1 %": noise(0.01),
    "noise of 10 %": noise(0.1),
    "noise of 50 %": noise(0.5),
}
BEYOND: dict[str, Callable[..., Weights]] = {
    "noise of 100 %": noise(1.0),
    "noise of 200 %": noise(2.0),
    "last three layers fresh": last_fresh(3),
}
"""Disguises that leave less than it takes to be found in every design."""


def disguised(artifact: Artifact, fresh: Artifact, disguise: Callable[..., Weights]) -> Artifact:
    """A trained model in a disguise, with another build of the same model to take fresh layers from."""
    weights, others = (safetensors.numpy.load(one.weights[0]) for one in (artifact, fresh))
    found = disguise(weights, others, layers_of(artifact))
    return replace(artifact, weights=(safetensors.numpy.save(found),))


def request_of(artifact: Artifact) -> TrainRequest:
    """One epoch of training, with every value read that a grade would read."""
    graph = read_artifact(artifact)
    return TrainRequest(
        framework=artifact.framework,
        engine=Engine.FRAMEWORK,
        output_kind=OutputKind.LOGITS,
        input_shape=graph.input_shape,
        seed=0,
        divisor=255,
        optimizer=OPTIMIZER,
        course=Course(1, 128, "linear"),
        keep_weights=False,
        sampled=False,
        read=before_layers(graph),
        graph=artifact.graph,
        weights=artifact.weights[0],
    )


def readouts_of(artifact: Artifact) -> tuple[Readout, ...]:
    """The read-outs of a model on the 5,000 held-out images, as a trainer makes them."""
    data, request = mnist.load(), request_of(artifact)
    images = arrange(data.train_images[-5_000:], request.input_shape)
    none = images[:0]
    held_out = TrainingData(none, data.train_labels[:0], images, data.train_labels[-5_000:], none)
    return readouts(import_backend(artifact.framework), request, held_out)
