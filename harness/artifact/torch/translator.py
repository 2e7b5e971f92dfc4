"""A raw PyTorch graph in the language: the audit of what a build exported is that this succeeds.

Each ATen operator that is taken has a rule, registered under its schema. Views and writes in place become functional on
the way. The work is bounded by the graph's size: nothing recurses over it, and what is known of a value is kept with
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Any

from harness.artifact.reading import MAX_NODES, count_references, mapping, sequence, shown, unknown_operator
from harness.artifact.torch import layers, moves, numbers, random
from harness.artifact.torch.rules import Parts, Result, Rule, Takes
from harness.artifact.torch.views import Detached, Reference, Storage, View, current, derived, unnoticed, write
from harness.artifact.torch.writer import Writer
from harness.artifact.translation import Translation
from harness.language.graph import Kind, Value
from harness.language.operators import OPERATORS
from harness.language.refusals import invalid, not_supported
from harness.records.graph import Shape, Tensor

_MAX_ARGUMENTS = 64
_KEYS = {"op", "args", "kwargs"}


@cache
def rules() -> Mapping[str, Rule]:
    """The rule of each operator by its full name."""
    tables = (layers.RULES, moves.RULES, numbers.RULES, random.RULES)
    return {rule.schema.name: rule for rule in chain(*tables)}


def translate(
    mode: object,
    tensors: Mapping[str, Tensor],
    input_shape: Shape,
    *,
    is_training: bool,  # noqa: ARG001  TensorFlow's translator needs it
) -> Translation:
    """One mode of a raw graph in the language. Raises ArtifactError with the reason it is refused."""
    content = mapping(mode, "a graph", {"nodes", "output"})
    nodes = sequence(content["nodes"], "the nodes of a graph", MAX_NODES)
    found = [_rule(index, node) for index, node in enumerate(nodes)]
    work = _Work(Writer(input_shape, tensors), tensors, _uses(nodes, content["output"]))
    for index, (node, rule) in enumerate(zip(nodes, found, strict=True)):
        work.add(index, node, rule)
    return work.finished(content["output"])


def _rule(index: int, node: object) -> Rule:
    """The rule of a node, whose keys are checked on the way."""
    content = mapping(node, f"node {index}")
    if not _KEYS <= content.keys() <= _KEYS | {"no_grad"} or content.get("no_grad", True) is not True:
        raise invalid(f"op, args and kwargs in node {index}", shown(sorted(content), 80))
    if not isinstance(content["op"], str):
        raise invalid(f"the name of an operator in node {index}", shown(content["op"], 40))
    rule = rules().get(content["op"])
    if rule is None:
        raise unknown_operator(content["op"])
    return rule


def _uses(nodes: Sequence[Any], output: Any) -> list[int]:
    """How often each node's results are referred to."""
    uses, references = [0] * len(nodes), 0
    for argument in chain(chain.from_iterable(map(_arguments, nodes)), [output]):
        if isinstance(argument, dict):
            references = count_references(references + (not argument.keys().isdisjoint(("node", "tensor", "input"))))
            if (index := _index(argument, len(nodes))) is not None:
                uses[index] += 1
    return uses


def _arguments(node: Any) -> Iterator[Any]:
    """Each argument of a node that may be, and each item of those that are lists."""
    args, keywords = (node.get("args"), node.get("kwargs")) if isinstance(node, dict) else (None, None)
    values = [*(args if isinstance(args, list) else ()), *(keywords.values() if isinstance(keywords, dict) else ())]
    for value in values:
        yield from value if isinstance(value, list) else [value]


def _index(argument: dict[str, Any], limit: int) -> int | None:
    pair = argument.get("node")
    if not isinstance(pair, list) or [type(number) for number in pair] != [int, int]:
        return None
    index: int = pair[0]
    return index if 0 <= index < limit else None


@dataclass
class _Work:
    """The translation of one mode so far: the results of its nodes, and the storages of the tensors that it names."""

    writer: Writer
    tensors: Mapping[str, Tensor]
    uses: Sequence[int]
    results: list[Parts] = field(default_factory=list)
    named: dict[str, Reference] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._images = Reference(View(Storage(), self.writer.builder.images))

    def add(self, index: int, node: dict[str, Any], rule: Rule) -> None:
        """Translate one node."""
        is_without_gradient = "no_grad" in node
        args = sequence(node["args"], "arguments", _MAX_ARGUMENTS)
        read = rule.schema.read(args, mapping(node["kwargs"], "keyword arguments"), self._refer)
        self.writer.builder.origin = index
        result = self._in_place(rule, read, is_without_gradient) if rule.schema.is_in_place else rule(self.writer, read)
        self.results.append(self._kept(index, rule.schema.name, result, is_without_gradient))

    def _refer(self, argument: Any) -> Reference | None:
        """The tensor that an argument names."""
        if not isinstance(argument, dict) or len(argument) != 1:
            return None
        ((kind, content),) = argument.items()
        if kind == "node":
            return self._result(argument)
        if kind == "tensor" and isinstance(content, str) and content in self.tensors:
            return self._tensor(content)
        if kind == "input" and type(content) is int and content == 0:
            return self._images
        if kind in ("tensor", "input"):
            raise _unknown(argument)
        return None

    def _result(self, argument: dict[str, Any]) -> Reference:
        index = _index(argument, len(self.results))
        if index is None:
            raise _unknown(argument)
        found: Reference = self.results[index].at(argument["node"][1])
        return found

    def _tensor(self, name: str) -> Reference:
        if name not in self.named:
            value = self.writer.builder.values[name]
            self.named[name] = Reference(View(Storage(self.tensors[name]), value))
        return self.named[name]

    def _in_place(self, rule: Rule, read: Sequence[Any], is_without_gradient: bool) -> Reference:
        """Run a rule and put its result into its first argument: a view, or a value through its view."""
        target: Reference = read[0]
        target.storage.writes += 1
        if target.storage.tensor is not None:
            return self._counter(rule, target)
        result = rule(self.writer, read)
        if isinstance(result, View):
            target.view = result
        elif isinstance(result, Value):
            self._write(target, result, is_without_gradient)
        return target

    def _counter(self, rule: Rule, target: Reference) -> Reference:
        """A write to a tensor of the model: dropped for a whole number, if nothing reads it."""
        if target.view.value.kind is not Kind.INT or rule.takes is Takes.VIEWS:
            raise _writes_tensors()
        target.storage.is_updated = True
        return target

    def _write(self, target: Reference, result: Value, is_without_gradient: bool) -> None:
        before = target.view.value
        if result.kind is not before.kind:
            result = self.writer.cast(result, before.kind)
        result = self.writer.emit("Expand", result, shape=before.shape)
        if result.shape != before.shape:
            raise invalid("a result in the shape of the tensor that it is written to", f"rank {result.rank}")
        if is_without_gradient:
            old = current(self.writer, target.view) if before.name else before
            result = unnoticed(self.writer, old, result)
        write(self.writer, target.view, result)

    def _kept(self, index: int, name: str, result: Result | Reference, is_without_gradient: bool) -> Parts:
        """A node's results as references."""
        several = result if isinstance(result, tuple) else (result,)
        found = result if isinstance(result, Parts) else Parts(name, len(several), several.__getitem__)
        return Parts(name, found.count, lambda k: self._reference(index, found.at(k), is_without_gradient))

    def _reference(self, index: int, result: Value | View | Reference, is_without_gradient: bool) -> Reference:
        """A value in a storage of its own, a view, or the tensor that was written to."""
        if isinstance(result, Reference):
            reference = result
        else:
            view = View(Storage(), result) if isinstance(result, Value) else result
            is_detached = is_without_gradient and view.value.name
            reference = Reference(derived(self.writer, view, Detached()) if is_detached else view)
        reference.storage.uses += self.uses[index]
        return reference

    def finished(self, output: Any) -> Translation:
        """The graph of an output."""
        reference = self._refer(output)
        if reference is None:
            raise invalid("one output", shown(output, 40))
        value = self.writer.value(reference)
        if value.kind is not Kind.FLOAT:
            raise not_supported("an answer that is no number")
        if any(r.storage.is_updated and r.storage.is_read for r in self.named.values()):
            raise _writes_tensors()
        built = self.writer.builder.finish(value)
        random = [node.name for node in built.graph.nodes if OPERATORS[node.operator].is_random]
        draws = {name: self.writer.draws[built.origins[name]] for name in random}
        return Translation(built.graph, built.origins, draws)


def _unknown(argument: dict[str, Any]) -> Exception:
    return invalid("arguments that name a known tensor, the input or an earlier node", shown(argument, 80))


def _writes_tensors() -> Exception:
    return not_supported("a model that writes to its own tensors")
