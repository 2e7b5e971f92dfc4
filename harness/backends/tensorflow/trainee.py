"""Trains a model of the language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from harness.backends.tensorflow import lowered
from harness.backends.tensorflow.device import use_one_thread
from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.loss import loss_of, outputs_told
from harness.backends.tensorflow.optimizer import optimizer
from harness.jobs.outputs import joined
from harness.jobs.trainee import EVALUATION_BATCH, Activations, Floats, Images, Labels, Reader, Shares, Task
from harness.language.dependence import updates
from harness.language.graph import ModelGraph
from harness.language.text import read_model


class TensorFlowTrainee:
    """A graph in training. An epoch is one call into TensorFlow."""

    def __init__(self, task: Task) -> None:
        self.output_kind = task.output_kind
        self._divisor, self._seed = float(task.divisor), task.seed
        self._model = read_model(task.graph)
        self._given = safetensors.numpy.load(task.weights)
        self._variables = _variables(self._model, self._given)
        self._tensors = {name: _number(value) for name, value in self._given.items()} | self._variables
        self._trainable = {t.name: self._variables[t.name] for t in self._model.tensors if t.trainable}
        self._steps, self._calls = tf.Variable(0, dtype=tf.int64), tf.Variable(0, dtype=tf.int64)
        self._apply = optimizer(list(self._trainable.values()), task.optimizer)
        images = tf.TensorSpec([None, *self._model.input_shape], tf.uint8)
        labels = tf.TensorSpec([None], tf.uint8)
        course = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.int64), tf.TensorSpec([None], tf.float64)]
        self._epoch = tf.function(self._train, input_signature=[images, labels, *course], autograph=False)
        self._step = tf.function(self._differentiate, input_signature=[images, labels], autograph=False)
        self._evaluate = tf.function(self._infer, input_signature=[images], autograph=False)

    def train_epoch(
        self, images: Images, labels: Labels, order: npt.NDArray[np.int64], batch_size: int, shares: Shares
    ) -> npt.NDArray[np.float32]:
        """Train once through `order`; each batch's loss. Stops after the first loss that is not finite."""
        with outputs_told(batch_size):
            losses: npt.NDArray[np.float32] = self._epoch(images, labels, order, np.int64(batch_size), shares).numpy()
        return losses

    def predict(self, images: Images, batch_size: int = EVALUATION_BATCH) -> npt.NDArray[np.float32]:
        """Outputs (count, classes) in evaluation mode."""
        batches = [images[start : start + batch_size] for start in range(0, len(images), batch_size)]
        return joined([self._evaluate(batch).numpy() for batch in batches], [len(batch) for batch in batches])

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """A copy of each trainable tensor as it is now."""
        return {name: variable.numpy().copy() for name, variable in self._trainable.items()}

    def state(self) -> bytes:
        """Every tensor of the graph as it is now, as safetensors."""
        now = {name: variable.numpy().astype(self._given[name].dtype) for name, variable in self._variables.items()}
        return safetensors.numpy.save(self._given | now)

    def gradients(self, images: Images, labels: Labels) -> tuple[float, dict[str, npt.NDArray[np.float32]]]:
        """Training loss of one batch and its gradients by tensor name."""
        loss, gradients = self._step(images, labels)
        return float(loss), {name: g.numpy() for name, g in zip(self._trainable, gradients, strict=True)}

    def _train(self, images: Any, labels: Any, order: Any, batch_size: Any, shares: Any) -> Any:
        count = (tf.size(order, tf.int64) + batch_size - 1) // batch_size

        def is_going_on(number: Any, loss: Any, _: Any) -> Any:
            return (number < count) & tf.math.is_finite(loss)

        def train_batch(number: Any, loss: Any, losses: Any) -> Any:
            batch = order[number * batch_size : (number + 1) * batch_size]
            loss, gradients = self._differentiate(tf.gather(images, batch), tf.gather(labels, batch))
            self._apply(gradients, shares[number])
            return number + 1, loss, losses.write(tf.cast(number, tf.int32), loss)

        losses = tf.TensorArray(tf.float32, tf.cast(count, tf.int32), element_shape=())
        done, _, losses = tf.while_loop(is_going_on, train_batch, (tf.constant(0, tf.int64), tf.constant(0.0), losses))
        return losses.stack()[:done]

    def _differentiate(self, images: Any, labels: Any) -> tuple[Any, list[Any]]:
        graph, variables = self._model.training, list(self._trainable.values())
        draws = lowered.seeded(graph, self._seed, self._steps.assign_add(1), tf.float32)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for variable in variables:
                tape.watch(variable)
            result = lowered.run(graph, self._tensors, self._scaled(images), draws)
            loss = loss_of(result.output, labels, self.output_kind)
        gradients = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        for name, value in result.updated.items():
            self._variables[name].assign(value)
        return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _infer(self, images: Any) -> Any:
        """Where an evaluation draws random numbers, they are others in each call, and never those of training."""
        graph = self._model.evaluation
        draws = lowered.seeded(graph, self._seed, self._calls.assign_sub(1), tf.float32)
        return lowered.run(graph, self._tensors, self._scaled(images), draws).output

    def _scaled(self, images: Any) -> Any:
        """Pixels 0..255 as float32, divided."""
        return tf.cast(images, tf.float32) / self._divisor


def _number(array: npt.NDArray[Any]) -> Any:
    """A tensor that stays as it is; floats are float32."""
    return tf.constant(array.astype(np.float32) if array.dtype.kind == "f" else array)


def _variables(model: ModelGraph, given: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """The tensors that training changes: trainable ones, and statistics."""
    changed = {tensor.name for tensor in model.tensors if tensor.trainable}
    changed.update(name for node in model.training.nodes for name in updates(node))
    return {name: tf.Variable(_number(given[name])) for name in given if name in changed}


def load(task: Task) -> TensorFlowTrainee:
    """An audited model, ready to train; its random numbers depend on the task's seed."""
    use_one_thread()
    tf.config.experimental.enable_op_determinism()
    tf.random.set_seed(task.seed)
    return TensorFlowTrainee(task)


def reader(graph: bytes, weights: bytes, names: Sequence[str]) -> Reader:
    """What reads the values of these nodes of the evaluation graph, as the language has them, batch by batch."""
    use_one_thread()
    model = read_model(graph)
    tensors = {name: _number(value) for name, value in safetensors.numpy.load(weights).items()}

    def kept(images: Any) -> dict[str, Any]:
        draws = lowered.seeded(model.evaluation, 0, tf.constant(0, tf.int64), tf.float32)
        values = lowered.run(model.evaluation, tensors, images, draws, names).kept
        return {name: tf.cast(value, tf.float32) for name, value in values.items()}

    run = tf.function(kept, input_signature=[tf.TensorSpec([None, *model.input_shape], tf.float32)], autograph=False)

    def read(images: Floats) -> Activations:
        return {name: value.numpy() for name, value in run(images).items()}

    return read
