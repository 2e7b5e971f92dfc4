"""Compares a framework's own graph with the same model in the language: the part that is the same for all frameworks.

In float64, where rounding cannot hide a difference, and at slightly moved weights, where zeros make no ties.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator, default_rng

from harness.artifact.weights import audit_weights, views
from harness.backends.base import Array, Arrays, Backend, Lowered, Original, Pass
from harness.jobs.validate import (
    GRADIENTS_WITHIN,
    OUTPUTS_WITHIN,
    STATISTICS_WITHIN,
    ValidateAnswer,
    ValidateRequest,
)
from harness.language.dependence import updates
from harness.language.graph import Graph, ModelGraph
from harness.language.interpreter import run
from harness.language.sizes import at
from harness.language.text import read_model
from harness.records.draw import Draw

BATCHES = (3, 5)
MOVED = 1e-2
"""The weights' noise, in standard deviations of their tensor."""
_STATISTICS = 1e-3
"""What statistics are multiplied by."""
NOT_FINITE = 1e300
"""Stands for a difference that is no number: of shapes, or of numbers that are not finite in one of two places."""
_SMALLEST_SHARE = 1e-6
"""Gradients that are this small beside the largest of all are rounding: a bias before a normalization has them."""
_SMALLEST_CHANGE = 1e-3
"""Statistics that change less, beside their numbers, are compared as if they changed as much."""
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}


@dataclass(frozen=True)
class Difference:
    """How far two arrays are apart, what they are, and the limit."""

    of: str
    what: str
    size: float
    limit: float


def validate(backend: Backend, request: ValidateRequest) -> ValidateAnswer:
    """The largest differences over evaluation and training, for two batch sizes."""
    chance = default_rng(0)
    model = read_model(request.graph)
    weights = with_small_statistics(model, moved(read_weights(request.weights), chance))
    compared = _Compared(model, weights, backend.original(request.original, weights), backend.lowered(model, weights))
    found: list[Difference] = []
    for count in BATCHES:
        images = chance.random((count, *model.input_shape))
        found += compared.evaluation(images, request.evaluation_draws)
        found += compared.training(images, request.training_draws, chance)
    return summed_up(found)


def summed_up(found: Iterable[Difference]) -> ValidateAnswer:
    """The largest difference of each kind, and where the worst of all is."""
    found = list(found)
    most = {kind: max((d.size for d in found if d.of == kind), default=0.0) for kind in _LIMITS}
    worst = max(found, key=lambda d: d.size / d.limit)
    return ValidateAnswer(**most, worst=f"{worst.what}: {worst.size:.1e}")


_LIMITS = {"outputs": OUTPUTS_WITHIN, "gradients": GRADIENTS_WITHIN, "statistics": STATISTICS_WITHIN}


@dataclass(frozen=True)
class _Compared:
    model: ModelGraph
    weights: Arrays
    original: Original
    lowered: Lowered

    def evaluation(self, images: Array, draws: Mapping[str, Draw]) -> Iterator[Difference]:
        """The outputs of the original, of the interpreter and of the lowered graph, and tensors after the pass."""
        first = self.original.run(False, images, None, draws)
        drawn = taken(first.drawn, draws)
        second = self.lowered.run(False, images, None, drawn)
        yield from self._outputs("evaluation", self.model.evaluation, images, first, second, drawn)

    def training(self, images: Array, draws: Mapping[str, Draw], chance: Generator) -> Iterator[Difference]:
        """Outputs, gradients, and tensors after the pass."""
        output = self.model.training.values[self.model.training.output]
        direction = chance.standard_normal(at(output.shape, len(images)))
        first = self.original.run(True, images, direction, draws)
        drawn = taken(first.drawn, draws)
        second = self.lowered.run(True, images, direction, drawn)
        yield from self._outputs("training", self.model.training, images, first, second, drawn)
        yield from _gradients(first.gradients, second.gradients, len(images))

    def _outputs(
        self, mode: str, graph: Graph, images: Array, first: Pass, second: Pass, drawn: Arrays
    ) -> Iterator[Difference]:
        defined = run(graph, self.weights, images, drawn)
        for whose, outputs in (("the interpreter", defined.output), ("the lowered graph", second.outputs)):
            what = f"outputs in {mode} of {len(images)} images, {whose}"
            size = apart(first.outputs, outputs, largest(first.outputs))
            yield Difference("outputs", what, size, OUTPUTS_WITHIN)
        for whose, tensors in (
            ("the interpreter", {**self.weights, **defined.updates}),
            ("the lowered graph", second.tensors),
        ):
            yield from self._tensors(f"after {mode} on {len(images)} images, {whose}", first.tensors, tensors)

    def _tensors(self, what: str, first: Arrays, second: Arrays) -> Iterator[Difference]:
        """Every tensor after the pass; not the counters that no graph of the language reads."""
        for tensor in self.model.tensors:
            name = tensor.name
            if tensor.is_float or name in self.model.used:
                size = _moved_apart(self.weights[name], first[name], second[name])
                yield Difference("statistics", f"{name} {what}", size, STATISTICS_WITHIN)


def _moved_apart(before: Array, first: Array, second: Array) -> float:
    """How far two tensors after a pass are apart, beside how far the first has come."""
    if first is second:
        return 0.0
    change = largest(first.astype(np.float64) - before)
    return apart(first, second, max(change, _SMALLEST_CHANGE * largest(first)))


def _gradients(first: Arrays, second: Arrays, count: int) -> Iterator[Difference]:
    most = max(map(largest, first.values()), default=0.0)
    for name, gradient in first.items():
        size = apart(gradient, second[name], max(largest(gradient), most * _SMALLEST_SHARE))
        yield Difference("gradients", f"gradient of {name} for {count} images", size, GRADIENTS_WITHIN)


def taken(drawn: Arrays, draws: Mapping[str, Draw]) -> Arrays:
    """What random nodes of the language take, from what the original drew."""
    return {name: _kept(drawn[name], draw) for name, draw in draws.items()}


def _kept(drawn: Array, draw: Draw) -> Array:
    return (drawn if draw.kept_from is None else drawn >= draw.kept_from).astype(np.float64)


def largest(numbers: Array) -> float:
    """The largest finite number, without its sign; 0 where there is none."""
    return float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0))


def apart(first: Array, second: Array, scale: float) -> float:
    """The largest difference beside `scale`, or beside 1 if that is 0."""
    if first.shape != second.shape:
        return NOT_FINITE
    if np.array_equal(first, second):
        return 0.0
    first, second = first.astype(np.float64), second.astype(np.float64)
    is_same = (first == second) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore", over="ignore"):
        difference = float(np.where(is_same, 0.0, np.abs(first - second)).max(initial=0)) / (scale or 1.0)
    return difference if np.isfinite(difference) else NOT_FINITE


def read_weights(blob: bytes) -> dict[str, Array]:
    """Each tensor as float64, int64 or bool. Raises ArtifactError for another blob than safetensors."""
    specs = audit_weights(blob)
    return {name: _array(content, specs[name][0]).reshape(specs[name][1]) for name, content in views(blob)}


def _array(content: memoryview, dtype: str) -> Array:
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(content, "<u2").astype("<u4") << 16).view("<f4").astype(np.float64)
    array: npt.NDArray[np.generic] = np.frombuffer(content, _TYPES[dtype])
    return array.astype({"f": np.float64, "b": np.bool_}.get(array.dtype.kind, np.int64))


def moved(weights: Arrays, chance: Generator) -> dict[str, Array]:
    """Floats with a little noise. A tensor that is nowhere negative, such as a variance, stays so."""
    return {name: _moved(value, chance) if value.dtype.kind == "f" else value for name, value in weights.items()}


def _moved(value: Array, chance: Generator) -> Array:
    noise = MOVED * chance.standard_normal(value.shape) * _spread(value)
    return np.asarray(value + (np.abs(noise) if (value >= 0).all() else noise))


def with_small_statistics(model: ModelGraph, weights: Arrays) -> dict[str, Array]:
    """Statistics so small that what a pass adds to them shows."""
    statistics = {name for node in model.training.nodes for name in updates(node)}
    return {name: value * _STATISTICS if name in statistics else value for name, value in weights.items()}


def _spread(value: Array) -> float:
    return (float(value.std()) if value.size else 0.0) or 1.0
