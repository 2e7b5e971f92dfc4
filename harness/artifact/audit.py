"""From an untrusted artifact to a ModelGraph: everything is checked; of the builder's claims, only labels are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Protocol, cast

from harness.artifact.reading import label, mapping, parse, refuse, sequence, shape, shown
from harness.artifact.weights import BYTES, NAME, audit_weights, is_finite, views
from harness.records.artifact import Artifact
from harness.records.claim import Statement
from harness.records.framework import Framework
from harness.records.graph import ModelGraph, Operation, Shape, Tensor, TensorKind
from harness.records.inputs import INPUT_FORMS

MAX_GRAPH = 2 << 20
MAX_LABELS = 1 << 19
"""Keras's ResNet-152 has a graph of 623,012 bytes, and 101,916 bytes of labels."""
MAX_TENSORS = 5000
MAX_STATEMENT = 1 << 18
MAX_CLAIMS = 64
MAX_CLAIMED = 10**12
_KEYS = {"format", "framework", "input", "tensors", "train", "eval"}


class Reader(Protocol):
    """The interface of each framework's reader, for one mode of a graph: training or evaluation."""

    def audit_mode(self, mode: object, tensors: set[str]) -> dict[str, Any]:
        """The mode, if every operator is on the allow-list and refers backwards. Raises ArtifactError."""

    def translate(self, mode: dict[str, Any], labels: dict[str, str]) -> tuple[tuple[Operation, ...], str]:
        """The operations of an audited mode, and the name of its output."""

    def updated_tensors(self, mode: dict[str, Any]) -> frozenset[str]:
        """The tensors that the mode itself writes."""

    def used_tensors(self, mode: dict[str, Any]) -> frozenset[str]:
        """The tensors that the mode reads."""

    def leaves_a_trace(self, node: dict[str, Any]) -> bool:
        """Whether an operator draws random numbers or writes to a tensor."""

    def literals(self, mode: dict[str, Any]) -> int:
        """How many numbers to compute with are in the mode itself."""


def _reader(framework: Framework) -> Reader:
    """The reader of a framework, loaded by its name."""
    return cast(Reader, import_module(f"harness.artifact.{framework}_reader"))


def audit(artifact: Artifact) -> ModelGraph:
    """The model that an artifact describes. Raises ArtifactError with the reason it is refused.

    The graph's operators must be on the allow-list, its references must point backwards, and the weights of every
    seed must be exactly the tensors it names. The fingerprint is the SHA-256 of the graph without any label.
    """
    content = parse(artifact.graph, MAX_GRAPH, "the graph")
    mapping(content, "the graph", _KEYS)
    if type(content["format"]) is not int or [content["format"], content["framework"]] != [1, artifact.framework.value]:
        raise refuse(f"a {artifact.framework} graph of format 1", shown([content["format"], content["framework"]], 60))
    input_shape = shape(content["input"], "the input")
    if input_shape not in INPUT_FORMS:
        raise refuse("a known input form", str(input_shape))
    labels = _labels(artifact.labels)
    tensors = _tensors(content["tensors"], labels)
    _match_weights(tensors.values(), artifact.weights)
    return _model(artifact.framework, content, tensors, labels)


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
        raise refuse("a name and a number in PARAMETERS", shown(entry, 60))
    name, number = entry
    if type(number) is int and abs(number) < MAX_CLAIMED:
        return label(name), number
    if not isinstance(number, str):
        raise refuse("a whole number of at most 12 digits in PARAMETERS", shown(number, 60))
    return label(name), label(number)


def audit_shapes(shapes: object) -> dict[str, Shape]:
    """Measured shapes by the names of operations, from a process that ran an audited graph.

    Raises ArtifactError for an invalid one: neither the framework's operators nor their effects there are ours.
    """
    return {name: shape(value, "a result") for name, value in mapping(shapes, "measured shapes").items()}


def audit_weights_of(graph: ModelGraph, weights: Iterable[bytes]) -> None:
    """The weights of further builds of an audited graph. Raises ArtifactError if they do not match its tensors."""
    _match_weights(graph.tensors, weights)


def audit_trained(artifact: Artifact) -> ModelGraph:
    """A model with trained weights. Raises ArtifactError where `audit` does, and for a trained value that is not
    finite."""
    graph = audit(artifact)
    trained = {tensor.name for tensor in graph.tensors if tensor.trainable}
    for blob in artifact.weights:
        broken = sorted(name for name, numbers in views(blob) if name in trained and not is_finite(numbers))
        if broken:
            raise refuse("trained weights that are finite numbers", f"other values in {', '.join(broken)[:80]}")
    return graph


def answers_alone(artifact: Artifact) -> bool:
    """Whether an audited model, when evaluated, draws no random numbers and changes no state."""
    mode = parse(artifact.graph, MAX_GRAPH, "the graph")["eval"]
    return not any(_reader(artifact.framework).leaves_a_trace(node) for node in mode["nodes"])


def _model(
    framework: Framework, content: dict[str, Any], tensors: dict[str, Tensor], labels: dict[str, str]
) -> ModelGraph:
    reader = _reader(framework)
    modes = {mode: reader.audit_mode(content[mode], set(tensors)) for mode in ("train", "eval")}
    operations, output = reader.translate(modes["eval"], labels)
    return ModelGraph(
        framework=framework,
        input_shape=tuple(content["input"]),
        tensors=tuple(tensors.values()),
        operations=operations,
        output=output,
        fingerprint=fingerprint(content),
        updated=reader.updated_tensors(modes["train"]),
        used=reader.used_tensors(modes["eval"]) | reader.used_tensors(modes["train"]),
        literals=max(reader.literals(mode) for mode in modes.values()),
    )


def fingerprint(content: dict[str, Any]) -> str:
    """SHA-256 of a graph in canonical JSON. Two models with one fingerprint are the same computation."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _labels(blob: bytes) -> dict[str, str]:
    return {name: label(value) for name, value in parse(blob, MAX_LABELS, "the labels").items()}


def _tensors(specs: object, labels: dict[str, str]) -> dict[str, Tensor]:
    content = mapping(specs, "the tensors")
    if len(content) > MAX_TENSORS:
        raise refuse(f"at most {MAX_TENSORS:,} tensors", f"{len(content):,}")
    return {name: _tensor(name, spec, labels.get(name, "")) for name, spec in content.items()}


def _tensor(name: str, spec: object, name_of_student: str) -> Tensor:
    if not NAME.fullmatch(name):
        raise refuse("tensors named t0, t1, ...", shown(name, 60))
    fields = mapping(spec, f"tensor {name}", {"kind", "trainable", "shape", "dtype"})
    if fields["kind"] not in tuple(TensorKind) or type(fields["trainable"]) is not bool:
        raise refuse("a known kind of tensor", shown([fields["kind"], fields["trainable"]], 60))
    if fields["dtype"] not in tuple(BYTES):
        raise refuse("a known data type", shown(fields["dtype"], 40))
    kind = TensorKind(fields["kind"])
    trainable = fields["trainable"]
    if trainable and (kind is not TensorKind.PARAMETER or fields["dtype"] != "F32"):
        raise refuse("only float32 parameters to be trained", f"a trainable {kind} of {fields['dtype']}")
    return Tensor(name, kind, trainable, shape(fields["shape"], name), fields["dtype"], name_of_student)


def _match_weights(tensors: Iterable[Tensor], weights: Iterable[bytes]) -> None:
    expected = {tensor.name: (tensor.dtype, tensor.shape) for tensor in tensors}
    for blob in weights:
        found = audit_weights(blob)
        if found != expected:
            wrong = sorted({n for n in found.keys() | expected.keys() if found.get(n) != expected.get(n)})
            raise refuse("the weights that the graph names", f"a different set or shape of {', '.join(wrong)[:80]}")
