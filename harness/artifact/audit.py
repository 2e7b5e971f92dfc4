"""From an untrusted artifact to a model of the language: everything is checked; of the builder's claims, only labels
are kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Protocol, cast

from harness.artifact.reading import check_extent, label, mapping, parse, sequence, shape, shown
from harness.artifact.translation import Translation
from harness.artifact.weights import NAME, audit_weights, is_finite, views
from harness.language.graph import ModelGraph
from harness.language.refusals import invalid
from harness.language.text import assembled, model_text, read_model
from harness.records.artifact import Artifact
from harness.records.claim import Statement
from harness.records.draw import Draw
from harness.records.framework import Framework
from harness.records.graph import BYTES, Shape, Tensor, TensorKind
from harness.records.inputs import INPUT_FORMS

MAX_GRAPH = 2 << 20
MAX_LABELS = 1 << 19
"""Keras's ResNet-152 has a graph of 623,012 bytes, and 101,916 bytes of labels."""
MAX_TENSORS = 5000
MAX_STATEMENT = 1 << 18
MAX_CLAIMS = 64
MAX_CLAIMED = 10**12
_KEYS = {"format", "framework", "input", "tensors", "train", "eval"}


class Translator(Protocol):
    """The interface of each framework's translator."""

    def translate(
        self, mode: object, tensors: Mapping[str, Tensor], input_shape: Shape, *, is_training: bool
    ) -> Translation:
        """One mode of a framework's own graph in the language. Raises ArtifactError."""


def _translator(framework: Framework) -> Translator:
    """The translator of a framework, loaded by its name."""
    return cast(Translator, import_module(f"harness.artifact.{framework}.translator"))


@dataclass(frozen=True)
class Audited:
    """An artifact that was accepted, as a model of the language.

    `artifact` has the language's text in place of the framework's own graph: what is stored, trained and shown from
    here on. The draws say where the original draws the random numbers of a node, for validation.
    """

    model: ModelGraph
    artifact: Artifact
    training_draws: Mapping[str, Draw]
    evaluation_draws: Mapping[str, Draw]


def audit(artifact: Artifact) -> Audited:
    """The model that the export of a submission describes. Raises ArtifactError with the reason it is refused.

    Each operator is translated into the language or refused, references must point backwards, and the weights of every
    seed must be exactly the tensors that the graph names.
    """
    content = parse(artifact.graph, MAX_GRAPH, "the graph")
    mapping(content, "the graph", _KEYS)
    if type(content["format"]) is not int or [content["format"], content["framework"]] != [1, artifact.framework.value]:
        raise invalid(f"a {artifact.framework} graph of format 1", shown([content["format"], content["framework"]], 60))
    input_shape = _input_shape(content)
    labels = _labels(artifact.labels)
    tensors = _tensors(content["tensors"], labels)
    _match_weights(tensors.values(), artifact.weights)
    translate = _translator(artifact.framework).translate
    training = translate(content["train"], tensors, input_shape, is_training=True)
    evaluation = translate(content["eval"], tensors, input_shape, is_training=False)
    model = assembled(artifact.framework, input_shape, [*tensors.values()], training.graph, evaluation.graph)
    named = {name: labels[origin] for name, number in evaluation.origins.items() if (origin := f"n{number}") in labels}
    model = replace(model, labels=named)
    kept = {name: label for name, label in labels.items() if name in tensors} | named
    text = replace(artifact, graph=model_text(model), labels=json.dumps(kept).encode())
    check_extent(text.graph, MAX_GRAPH, "the translated graph")
    check_extent(text.labels, MAX_LABELS, "the labels of the translated graph")
    return Audited(model, text, training.draws, evaluation.draws)


def read_artifact(artifact: Artifact) -> ModelGraph:
    """The model of an artifact as `audit` returned it. Raises ArtifactError for anything else or other weights."""
    content = parse(artifact.graph, MAX_GRAPH, "the graph")
    if content.get("framework") != artifact.framework.value:
        raise invalid(f"a {artifact.framework} graph", shown(content.get("framework"), 60))
    labels = _labels(artifact.labels)
    model = read_model(artifact.graph)
    tensors = _tensors(content["tensors"], labels)
    _input_shape(content)
    _match_weights(tensors.values(), artifact.weights)
    own = {name: label for name, label in labels.items() if name in model.evaluation.by_name}
    return replace(model, tensors=tuple(tensors[t.name] for t in model.tensors), labels=own)


def _input_shape(content: dict[str, Any]) -> Shape:
    input_shape = shape(content["input"], "the input")
    if input_shape not in INPUT_FORMS:
        raise invalid("a known input form", str(input_shape))
    return input_shape


def audit_statement(blob: bytes) -> Statement | None:
    """A submission's PARAMETERS; None if there are none.

    Raises ArtifactError for what our own exporter could not have written.
    """
    if not blob:
        return None
    content = mapping(parse(blob, MAX_STATEMENT, "PARAMETERS"), "PARAMETERS", {"problem", "entries"})
    entries = sequence(content["entries"], "PARAMETERS", MAX_CLAIMS)
    return Statement(tuple(_stated(entry) for entry in entries), label(content["problem"]))


def _stated(entry: object) -> tuple[str, int | str]:
    """One entry: a name, and a whole number or words."""
    if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], str):
        raise invalid("a name and a number in PARAMETERS", shown(entry, 60))
    name, number = entry
    if type(number) is int and abs(number) < MAX_CLAIMED:
        return label(name), number
    if not isinstance(number, str):
        raise invalid("a whole number of at most 12 digits in PARAMETERS", shown(number, 60))
    return label(name), label(number)


def audit_weights_of(graph: ModelGraph, weights: Iterable[bytes]) -> None:
    """The weights of further builds of an audited graph. Raises ArtifactError if they do not match its tensors."""
    _match_weights(graph.tensors, weights)


def read_trained(artifact: Artifact) -> ModelGraph:
    """A model with trained weights. Raises ArtifactError where `read_artifact` does, and for a trained value that is
    not finite."""
    graph = read_artifact(artifact)
    trained = {tensor.name for tensor in graph.tensors if tensor.trainable}
    for blob in artifact.weights:
        broken = sorted(name for name, numbers in views(blob) if name in trained and not is_finite(numbers))
        if broken:
            raise invalid("trained weights that are finite numbers", f"other values in {', '.join(broken)[:80]}")
    return graph


def _labels(blob: bytes) -> dict[str, str]:
    return {name: label(value) for name, value in parse(blob, MAX_LABELS, "the labels").items()}


def _tensors(specs: object, labels: dict[str, str]) -> dict[str, Tensor]:
    content = mapping(specs, "the tensors")
    if len(content) > MAX_TENSORS:
        raise invalid(f"at most {MAX_TENSORS:,} tensors", f"{len(content):,}")
    return {name: _tensor(name, spec, labels.get(name, "")) for name, spec in content.items()}


def _tensor(name: str, spec: object, name_of_student: str) -> Tensor:
    if not NAME.fullmatch(name):
        raise invalid("tensors named t0, t1, ...", shown(name, 60))
    fields = mapping(spec, f"tensor {name}", {"kind", "trainable", "shape", "dtype"})
    if fields["kind"] not in tuple(TensorKind) or type(fields["trainable"]) is not bool:
        raise invalid("a known kind of tensor", shown([fields["kind"], fields["trainable"]], 60))
    if fields["dtype"] not in tuple(BYTES):
        raise invalid("a known data type", shown(fields["dtype"], 40))
    kind = TensorKind(fields["kind"])
    trainable = fields["trainable"]
    if trainable and (kind is not TensorKind.PARAMETER or fields["dtype"] != "F32"):
        raise invalid("only float32 parameters to be trained", f"a trainable {kind} of {fields['dtype']}")
    return Tensor(name, kind, trainable, shape(fields["shape"], name), fields["dtype"], name_of_student)


def _match_weights(tensors: Iterable[Tensor], weights: Iterable[bytes]) -> None:
    expected = {tensor.name: (tensor.dtype, tensor.shape) for tensor in tensors}
    for blob in weights:
        found = audit_weights(blob)
        if found != expected:
            wrong = sorted({n for n in found.keys() | expected.keys() if found.get(n) != expected.get(n)})
            raise invalid("the weights that the graph names", f"a different set or shape of {', '.join(wrong)[:80]}")
