"""Replays an audited TensorFlow graph as operators, to measure or train it."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from harness.backends.base import EVALUATION_BATCH, Images, Labels, Shares, Task
from harness.backends.outputs import joined
from harness.backends.tensorflow.device import use_one_thread
from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.loss import loss_of, outputs_told
from harness.backends.tensorflow.optimizer import optimizer
from harness.records.graph import Shape

_MEASURED_BATCH = 2
_IMAGE = -1
_SEEDED = {"RandomUniform", "RandomStandardNormal", "TruncatedNormal"}

Note = Callable[[int, list[Any]], None]


class Graph:
    """The training and the evaluation graph over one set of tensors.

    Only call it with a graph that `harness.artifact.audit` accepted: operators are looked up by name. Inside of a
    `tf.function`, TensorFlow itself puts the reads and writes of variables into the order in which they are called.
    """

    def __init__(self, content: dict[str, Any], weights: dict[str, npt.NDArray[Any]], seed: int) -> None:
        self._content = content
        self._seed = seed
        self.input_shape: Shape = tuple(content["input"])
        self.tensors: dict[str, Any] = {}
        for name, spec in content["tensors"].items():
            is_constant = spec["kind"] == "constant"
            self.tensors[name] = tf.constant(weights[name]) if is_constant else tf.Variable(weights[name])
        self.trainable = {name: self.tensors[name] for name, spec in content["tensors"].items() if spec["trainable"]}

    def run(self, mode: str, images: Any, note: Note | None = None) -> Any:
        """Outputs (batch, classes) of float images (batch, *input shape); `note` receives each node's results."""
        nodes = self._content[mode]["nodes"]
        results: list[list[Any]] = []
        for index, node in enumerate(nodes):
            operator = getattr(tf.raw_ops, node["op"])
            args = [self._read(arg, images, results) for arg in node["args"]]
            if args and isinstance(args[0], tf.Variable):
                args[0] = args[0].handle
            result = operator(**dict(zip(_inputs(node["op"]), args, strict=False)), **self._attributes(node, index))
            results.append(list(result) if isinstance(result, (list, tuple)) else [result])
            if note is not None:
                note(index, results[-1])
        return self._read(self._content[mode]["output"], images, results)

    def _read(self, value: Any, images: Any, results: list[list[Any]]) -> Any:
        if isinstance(value, list):
            return [self._read(item, images, results) for item in value]
        if "node" in value:
            index, position = value["node"]
            return results[index][position]
        if "tensor" in value:
            return self.tensors[value["tensor"]]
        if "const" in value:
            content = value["const"]
            items = [float(item) if isinstance(item, str) else item for item in content["items"]]
            return tf.constant(items, content["dtype"], content["shape"])
        return images

    def _attributes(self, node: dict[str, Any], index: int) -> dict[str, Any]:
        """A node's attributes; the seeds of random operators are the run's, and differ from node to node."""
        values = {name: value["type"] if isinstance(value, dict) else value for name, value in node["attrs"].items()}
        return {**values, "seed": self._seed, "seed2": index + 1} if node["op"] in _SEEDED else values


@functools.cache
def _inputs(operator: str) -> list[str]:
    """Names of an operator's inputs and attributes, in the order of its definition: inputs first."""
    return list(inspect.signature(getattr(tf.raw_ops, operator)).parameters)


def measure(graph: bytes, weights: bytes) -> dict[str, Shape]:
    """Output shape (without batch, channels first) of each node of the evaluation graph, by running it on zeros."""
    use_one_thread()
    content = json.loads(graph)
    model = Graph(content, safetensors.numpy.load(weights), seed=0)
    shapes: dict[str, Shape] = {}

    def note(index: int, results: list[Any]) -> None:
        if results and isinstance(results[0], tf.Tensor):
            shapes[f"n{index}"] = tuple(results[0].shape)

    model.run("eval", tf.zeros((_MEASURED_BATCH, *model.input_shape)), note)
    return _without_batch(content["eval"]["nodes"], shapes, model.input_shape)


def _without_batch(nodes: list[dict[str, Any]], shapes: dict[str, Shape], input_shape: Shape) -> dict[str, Shape]:
    """Shapes without the batch, images channels first; anything computed from weights alone is unchanged."""
    found: dict[str, Shape] = {}
    for index, channels_first in enumerate(layouts_of(nodes, input_shape)):
        shape = shapes.get(f"n{index}", ())
        if channels_first is not None and shape[:1] == (_MEASURED_BATCH,):
            shape = shape[1:]
            if len(shape) == 3 and not channels_first:
                shape = (shape[2], shape[0], shape[1])
        found[f"n{index}"] = shape
    return found


def layouts_of(nodes: list[dict[str, Any]], input_shape: Shape) -> list[bool | None]:
    """For each node, whether its output images are channels first; None for nodes computed from weights."""
    layouts: dict[int, bool | None] = {_IMAGE: len(input_shape) == 3 and input_shape[0] == 1}
    for index, node in enumerate(nodes):
        layouts[index] = _has_channels_first(node, layouts)
    return [layouts[index] for index in range(len(nodes))]


def _has_channels_first(node: dict[str, Any], layouts: dict[int, bool | None]) -> bool | None:
    """Whether a node's output images are channels first; None for nodes computed from weights alone.

    They are if the node's input is, unless it moves axes or makes new images.
    """
    sources = (_source(arg) for args in node["args"] for arg in (args if isinstance(args, list) else [args]))
    known = [layouts[source] for source in sources if source is not None]
    before = next((layout for layout in known if layout is not None), None)
    if before is None:
        return None
    if "data_format" in node["attrs"]:
        return bool(node["attrs"]["data_format"] == "NCHW")
    if node["op"] == "Transpose":
        order = node["args"][1].get("const", {}).get("items")
        return order == [0, 3, 1, 2] or (before and order != [0, 2, 3, 1])
    return before and node["op"] not in ("Conv2D", "DepthwiseConv2dNative", "MaxPool", "AvgPool", "Reshape")


def _source(reference: dict[str, Any]) -> int | None:
    """The number of the node that a reference names; None for a tensor or a constant."""
    if "node" in reference:
        return int(reference["node"][0])
    return _IMAGE if "input" in reference else None


class TensorFlowTrainee:
    """A graph in training. An epoch is one call into TensorFlow."""

    def __init__(self, task: Task) -> None:
        self.output_kind = task.output_kind
        self._divisor = float(task.divisor)
        self._graph = Graph(json.loads(task.graph), safetensors.numpy.load(task.weights), task.seed)
        self._apply = optimizer(list(self._graph.trainable.values()), task.optimizer)
        images = tf.TensorSpec([None, *self._graph.input_shape], tf.uint8)
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
        return {name: variable.numpy().copy() for name, variable in self._graph.trainable.items()}

    def state(self) -> bytes:
        """Every tensor of the graph as it is now, as safetensors."""
        return safetensors.numpy.save({name: tensor.numpy() for name, tensor in self._graph.tensors.items()})

    def gradients(self, images: Images, labels: Labels) -> tuple[float, dict[str, npt.NDArray[np.float32]]]:
        """Training loss of one batch and its gradients by tensor name."""
        loss, gradients = self._step(images, labels)
        return float(loss), {name: g.numpy() for name, g in zip(self._graph.trainable, gradients, strict=True)}

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
        variables = list(self._graph.trainable.values())
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for variable in variables:
                tape.watch(variable)
            loss = loss_of(self._graph.run("train", self._scaled(images)), labels, self.output_kind)
        gradients = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _infer(self, images: Any) -> Any:
        return tf.cast(self._graph.run("eval", self._scaled(images)), tf.float32)

    def _scaled(self, images: Any) -> Any:
        """Pixels 0..255 as float32, divided."""
        return tf.cast(images, tf.float32) / self._divisor


def load(task: Task) -> TensorFlowTrainee:
    """An audited model, ready to train, with every random generator set to the task's seed."""
    use_one_thread()
    tf.config.experimental.enable_op_determinism()
    tf.random.set_seed(task.seed)
    return TensorFlowTrainee(task)
