"""Replays an audited TensorFlow graph as operators, to measure or train it."""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from harness.backends.base import EVALUATION_BATCH, Images, Labels, Shares, Task
from harness.backends.losses import PROBABILITY_FLOOR
from harness.backends.outputs import joined, wrong_outputs
from harness.backends.tensorflow.imported import tf
from harness.jobs.train import Optimizer
from harness.records.graph import OutputKind, Shape
from harness.records.inputs import CLASSES, OUTPUTS

_MEASURED_BATCH = 2
_IMAGE = -1
_SEEDED = {"RandomUniform", "RandomStandardNormal", "TruncatedNormal"}

Note = Callable[[int, list[Any]], None]


def use_one_thread() -> None:
    """One thread for everything TensorFlow computes, so that repeats are bit-identical."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


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
        self._apply = _optimizer(list(self._graph.trainable.values()), task.optimizer)
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
        with _outputs_told(batch_size):
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
            loss = self._loss(self._graph.run("train", self._scaled(images)), labels)
        gradients = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _infer(self, images: Any) -> Any:
        return tf.cast(self._graph.run("eval", self._scaled(images)), tf.float32)

    def _scaled(self, images: Any) -> Any:
        """Pixels 0..255 as float32, divided."""
        return tf.cast(images, tf.float32) / self._divisor

    def _loss(self, outputs: Any, labels: Any) -> Any:
        """Mean negative log-likelihood, as `harness.backends.losses` defines it."""
        tf.debugging.assert_equal(tf.shape(outputs), tf.stack([tf.size(labels), CLASSES]), _SHAPE)
        outputs = tf.cast(outputs, tf.float32)
        if self.output_kind is OutputKind.LOGITS:
            outputs = tf.nn.log_softmax(outputs)
        elif self.output_kind is OutputKind.PROBABILITIES:
            outputs = tf.math.log(tf.clip_by_value(outputs, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR))
        right = tf.one_hot(labels, tf.shape(outputs)[1], on_value=True, off_value=False)
        return -tf.reduce_mean(tf.reduce_sum(tf.where(right, outputs, 0.0), axis=1))


_SHAPE = f"harness: {OUTPUTS} of another shape"


@contextlib.contextmanager
def _outputs_told(batch_size: int) -> Iterator[None]:
    """A shape error that TensorFlow raises in training becomes the error that a single batch would have caused."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if _SHAPE not in error.message:
            raise
        found = re.search(r"\[x [^]]*\] \[([\d ]*)\] \[y [^]]*\] \[(\d+)", error.message)
        shape = [int(size) for size in found[1].split()] if found else None
        raise wrong_outputs(shape, int(found[2]) if found else batch_size) from None


def load(task: Task) -> TensorFlowTrainee:
    """An audited model, ready to train, with every random generator set to the task's seed."""
    use_one_thread()
    tf.config.experimental.enable_op_determinism()
    tf.random.set_seed(task.seed)
    return TensorFlowTrainee(task)


def _optimizer(variables: list[Any], chosen: Optimizer) -> Callable[[list[Any], Any], None]:
    """The function that updates the variables with their gradients, at a share of the learning rate, by torch.optim's
    formulas."""
    return _sgd(variables, chosen) if chosen.name == "sgd" else _adam(variables, chosen)


def _sgd(variables: list[Any], chosen: Optimizer) -> Callable[[list[Any], Any], None]:
    """velocity = momentum * velocity + gradient; variable -= learning rate * velocity."""
    velocities = [tf.Variable(tf.zeros_like(variable)) for variable in variables]

    def apply(gradients: list[Any], share: Any) -> None:
        for variable, velocity, gradient in zip(variables, velocities, gradients, strict=True):
            tf.raw_ops.ResourceApplyMomentum(
                var=variable.handle,
                accum=velocity.handle,
                lr=tf.cast(chosen.learning_rate * share, tf.float32),
                grad=gradient,
                momentum=tf.constant(chosen.momentum, tf.float32),
            )

    return apply


def _adam(variables: list[Any], chosen: Optimizer) -> Callable[[list[Any], Any], None]:
    """Adam with epsilon added to the corrected root (Kingma and Ba 2015, algorithm 1).

    TensorFlow's operator adds it to the uncorrected root, so both corrections go into its rate and epsilon here.
    """
    first = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
    second = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
    step = tf.Variable(0.0, dtype=tf.float64)

    def apply(gradients: list[Any], share: Any) -> None:
        now = step.assign_add(1.0)
        root = tf.sqrt(1 - tf.pow(tf.constant(chosen.beta_2, tf.float64), now))
        rate = chosen.learning_rate * share * root / (1 - tf.pow(tf.constant(chosen.beta_1, tf.float64), now))
        for variable, m, v, gradient in zip(variables, first, second, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=tf.constant(0.0),
                beta2_power=tf.constant(0.0),
                lr=tf.cast(rate, tf.float32),
                beta1=tf.constant(chosen.beta_1, tf.float32),
                beta2=tf.constant(chosen.beta_2, tf.float32),
                epsilon=tf.cast(chosen.epsilon * root, tf.float32),
                grad=gradient,
            )

    return apply
