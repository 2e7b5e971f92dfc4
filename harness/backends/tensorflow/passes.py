"""One pass through a graph in float64 and its gradients, for the graph that was exported and for its translation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.backends.base import Array, Arrays, Pass
from harness.backends.tensorflow.device import use_one_thread
from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.lowered import given, run
from harness.language.graph import ModelGraph


def differentiated(
    forward: Callable[[], Any], trainable: Mapping[str, Any], direction: Array | None
) -> tuple[Array, dict[str, Array]]:
    """The outputs, and with a direction the gradient of sum(outputs * direction) for each tensor."""
    if direction is None:
        return forward().numpy(), {}
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(list(trainable.values()))
        outputs = forward()
        total = tf.reduce_sum(outputs * direction)
    found = tape.gradient(total, list(trainable.values()), unconnected_gradients=tf.UnconnectedGradients.ZERO)
    gradients = {name: tf.convert_to_tensor(g).numpy() for name, g in zip(trainable, found, strict=True)}
    return outputs.numpy(), gradients


class TensorFlowLowered:
    """A model of the language in TensorFlow's operators, operator by operator."""

    def __init__(self, model: ModelGraph, weights: Arrays) -> None:
        self._model = model
        self._weights = weights
        self._tensors = {name: tf.constant(weights[name]) for name in model.used}
        self._trainable = {t.name: tf.constant(weights[t.name]) for t in model.tensors if t.trainable}

    def run(self, is_training: bool, images: Array, direction: Array | None, drawn: Arrays) -> Pass:
        """One pass from the same weights each time."""
        graph = self._model.training if is_training else self._model.evaluation
        updated: dict[str, Any] = {}

        def forward() -> Any:
            result = run(graph, self._tensors | self._trainable, tf.constant(images, tf.float64), given(drawn))
            updated.update(result.updated)
            return result.output

        outputs, gradients = differentiated(forward, self._trainable, direction)
        after: Arrays = {**self._weights, **{name: value.numpy() for name, value in updated.items()}}
        return Pass(outputs, after, gradients, {})


def lowered(model: ModelGraph, weights: Arrays) -> TensorFlowLowered:
    """A model in the language, ready to be compared with the original."""
    use_one_thread()
    return TensorFlowLowered(model, weights)
