"""Runs a graph of the language with TensorFlow's operators in the images' type, eagerly or in a `tf.function`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.lowered_images import IMAGES
from harness.backends.tensorflow.lowered_moves import MOVES
from harness.backends.tensorflow.lowered_numbers import NUMBERS
from harness.backends.tensorflow.lowered_windows import WINDOWS
from harness.backends.tensorflow.parts import Part, parts_of
from harness.backends.tensorflow.placed import Call, Draws, Lowered, Order, Placed, ordered, placed, plain
from harness.language.graph import IMAGES as INPUT
from harness.language.graph import Graph, Kind, Node, Value

LOWERED: Mapping[str, Lowered] = {**NUMBERS, **MOVES, **WINDOWS, **IMAGES}
"""Each operator of the language by its name."""


@dataclass(frozen=True)
class Result:
    """The output, the values that were asked for with their axes in the language's order, and the statistics after
    the pass, by name."""

    output: Any
    kept: Mapping[str, Any]
    updated: Mapping[str, Any]


def run(graph: Graph, tensors: Mapping[str, Any], images: Any, draws: Draws, keep: Collection[str] = ()) -> Result:
    """One pass over images (N, *input shape), which are float32 or float64.

    `tensors` may be variables; nothing is written to them. Only call it with a checked graph.
    """
    count = tf.shape(images)[0] if images.shape[0] is None else images.shape[0]
    values = {
        name: _given(graph, value, tensors, images) for name, value in graph.values.items() if name not in graph.by_name
    }
    updated: dict[str, Any] = {}
    parts, split = parts_of(graph), _Split()
    for node in graph.nodes:
        inputs = tuple(values[name] for name in node.inputs)
        call = Call(node, inputs, graph.values[node.name], count, images.dtype, draws, updated)
        values[node.name] = split.part(call, parts[node.name]) if node.name in parts else LOWERED[node.operator](call)
    kept = {name: plain(values[name]) for name in keep}
    return Result(plain(values[graph.output]), kept, updated)


class _Split:
    """Values that were split along an axis, each once."""

    def __init__(self) -> None:
        self._done: dict[tuple[str, int], list[Any]] = {}

    def part(self, call: Call, part: Part) -> Placed:
        """What a slice takes."""
        order = call.first.order
        key = (part.source, part.axis)
        if key not in self._done:
            sizes: Any = len(part.sizes) if len(set(part.sizes)) == 1 else part.sizes
            self._done[key] = tf.split(call.first.tensor, sizes, order.index(part.axis))
        return call.gives(self._done[key][part.place], order)


def _given(graph: Graph, value: Value, tensors: Mapping[str, Any], images: Any) -> Placed:
    """The images, a constant or a tensor, in the type that all numbers of its kind have."""
    if value.name == INPUT:
        return placed(images, value.shape)
    source = graph.numbers[value.name] if value.name in graph.numbers else tensors[value.name]
    dtype = {Kind.FLOAT: images.dtype, Kind.INT: tf.int64, Kind.BOOL: tf.bool}[value.kind]
    return placed(tf.cast(tf.convert_to_tensor(source), dtype), value.shape)


def given(drawn: Mapping[str, Any]) -> Draws:
    """Random numbers that were drawn before: an array for each random node, in the shape of its result."""

    def draws(node: Node, _: Sequence[Any], order: Order) -> Any:
        values = tf.convert_to_tensor(drawn[node.name])
        return ordered(Placed(values, tuple(values.shape), tuple(range(len(order)))), order)

    return draws


def seeded(graph: Graph, seed: int, step: Any, dtype: Any) -> Draws:
    """Random numbers that depend on the seed, the step (an int64 tensor) and the place of their node in the graph."""
    places = {node.name: place for place, node in enumerate(graph.nodes)}

    def draws(node: Node, shape: Sequence[Any], _: Order) -> Any:
        key = tf.stack([tf.constant(seed, tf.int64), step * len(places) + places[node.name]])
        settings = node.attributes
        if node.operator == "RandomNormal":
            return tf.random.stateless_normal(shape, key, settings["mean"], settings["scale"], dtype, alg="philox")
        uniform = tf.random.stateless_uniform(shape, key, dtype=dtype, alg="philox")
        if node.operator == "Dropout":
            return uniform >= settings["ratio"]
        if node.operator == "Bernoulli":
            return tf.cast(uniform < settings["p"], dtype)
        return settings["low"] + (settings["high"] - settings["low"]) * uniform

    return draws
