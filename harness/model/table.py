"""The layer table of a model, and what its outputs are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from harness.language.dependence import statistics
from harness.language.graph import Graph, ModelGraph
from harness.language.hidden import hidden_numbers, is_capacity
from harness.model.rows import read_rows
from harness.records.graph import OutputKind, Tensor, TensorKind
from harness.records.layer import Layer, LayerTable

_PASSES_VALUES_ON = {"Reshape", "Transpose", "Cast", "StopGradient"}
_SOFTMAXES = {"Softmax", "LogSoftmax"}


Start = Mapping[str, memoryview]
"""The raw numbers of each tensor before training, by its name."""


def layer_table(graph: ModelGraph, max_hidden_numbers: int = 64, starts: Sequence[Start] = ()) -> LayerTable:
    """The layer table of a model. More hidden numbers than allowed are capacity `beside` the layers, and so are
    statistics that do not start as zeros or ones in each of the `starts`.

    Raises ArtifactError for a model with sizes that are no multiples of the batch.
    """
    held = frozenset(name for name in statistics(graph) if all(_is_usual(start[name]) for start in starts))
    rows = read_rows(graph, held)
    kind, softmaxes = output_kind(graph.evaluation)
    unused = tuple(t for t in graph.tensors if t.name not in graph.used and t.is_float)
    return LayerTable(
        layers=tuple(rows.layers),
        unused=unused,
        tensors=graph.tensors,
        output_kind=kind,
        softmax_count=softmaxes,
        output_shape=rows.shape_of(graph.evaluation.output),
        beside=(*_beside(graph, held, rows.layers), *_written(graph, max_hidden_numbers)),
        training_only=_training_only(graph),
        statistics=held,
    )


def _is_usual(start: memoryview) -> bool:
    """Whether float32 numbers are all 0 or all 1, as frameworks start means and variances."""
    numbers = np.frombuffer(start, "<f4") if len(start) % 4 == 0 else np.full(1, np.nan)
    return bool((numbers == 0).all() or (numbers == 1).all())


def _training_only(graph: ModelGraph) -> tuple[Tensor, ...]:
    """Trainable tensors that training reads and evaluation does not."""
    evaluated = frozenset(graph.evaluation.reads())
    return tuple(t for t in graph.tensors if t.trainable and t.name in graph.used and t.name not in evaluated)


def _beside(graph: ModelGraph, held: frozenset[str], layers: Iterable[Layer]) -> tuple[Tensor, ...]:
    """Capacity in no layer of the evaluation graph: tensors, not trainable, with which training could write weights
    instead of learning them."""
    alone = graph.used - held - {name for layer in layers for name in layer.tensors}
    return tuple(t for t in graph.tensors if t.name in alone and not t.trainable and is_capacity(t))


def _written(graph: ModelGraph, allowed: int) -> tuple[Tensor, ...]:
    """Hidden numbers as if they were one tensor, if they are more than are allowed."""
    hidden = hidden_numbers(graph)
    label = f"written into the forward pass, most of them as {hidden.largest}"
    return (Tensor("", TensorKind.CONSTANT, False, (hidden.words,), "F32", label),) if hidden.words > allowed else ()


def output_kind(graph: Graph) -> tuple[OutputKind, int]:
    """What the outputs are, and how many softmaxes follow each other at the end of the graph."""
    kinds: list[str] = []
    node = graph.by_name.get(graph.output)
    while node is not None:
        if node.operator in _SOFTMAXES or node.operator == "Log":
            kinds.append(node.operator)
        elif node.operator not in _PASSES_VALUES_ON:
            break
        node = graph.by_name.get(node.inputs[0])
    softmaxes = sum(kind in _SOFTMAXES for kind in kinds)
    if not softmaxes:
        return OutputKind.LOGITS, 0
    if kinds[0] == "LogSoftmax" or kinds[:2] == ["Log", "Softmax"]:
        return OutputKind.LOG_PROBABILITIES, softmaxes
    return OutputKind.PROBABILITIES if kinds[0] == "Softmax" else OutputKind.LOGITS, softmaxes
