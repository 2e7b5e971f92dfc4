"""Record the operators a PyTorch model runs, as plain data.

A dispatch mode sees every ATen operator below autograd, with the actual tensors it is called on. Replaying the same
operators in the same order on the same tensors is the model, in-place operators and random ones included. The model is
traced with two batch sizes: integers that differ between the traces are functions of the batch size, and are written as
`slope * batch + offset`; anything else that differs is refused. This needs no symbolic shapes, whose imports alone take
longer than a whole `check` may.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from harness.records.errors import SubmissionError

BATCH_SIZES = (2, 3)
_DYNAMIC = "a forward pass that computes each image independently, with tensor operations only"


@dataclass
class Tape:
    """One trace: nodes in execution order, and the tensors that came from outside the graph."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    outside: dict[int, torch.Tensor] = field(default_factory=dict)
    output: dict[str, Any] | None = None


class _Recorder(TorchDispatchMode):
    """Writes each operator to the tape. Keeps every tensor alive, so that identities are not used twice."""

    def __init__(self, tape: Tape, image: torch.Tensor) -> None:
        super().__init__()
        self._tape = tape
        self._names: dict[int, dict[str, Any]] = {id(image): {"input": 0}}
        self._alive: list[torch.Tensor] = [image]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # true makes torch import its compiler (two seconds) to protect a call that is never compiled

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        node: dict[str, Any] = {
            "op": str(function),
            "args": [self._write(arg) for arg in _spell_out(function, args, kwargs)],
            "kwargs": {name: self._write(arg) for name, arg in kwargs.items()},
        }
        if not torch.is_grad_enabled():
            node["no_grad"] = True
        result = function(*args, **kwargs)
        if isinstance(result, (bool, int, float)) and (
            *references(node["args"], "node"),
            *references(node["args"], "input"),
        ):
            raise _reads_values(str(function))
        outputs = result if isinstance(result, (tuple, list)) else [result]
        for position, output in enumerate(outputs):
            if isinstance(output, torch.Tensor):
                self._names[id(output)] = {"node": [len(self._tape.nodes), position]}
                self._alive.append(output)
        if node["op"] in _RESHAPES and isinstance(result, torch.Tensor):
            node["args"][1] = list(result.shape)
        self._tape.nodes.append(node)
        return result

    def name(self, tensor: torch.Tensor) -> dict[str, Any]:
        """Where a tensor comes from: the input, a node, or outside."""
        if id(tensor) in self._names:
            return self._names[id(tensor)]
        self._tape.outside[id(tensor)] = tensor
        return {"outside": id(tensor)}

    def _write(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self.name(value)
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": str(value)}
        if isinstance(value, (list, tuple)):
            return [self._write(item) for item in value]
        for kind in (torch.dtype, torch.device, torch.layout, torch.memory_format):
            if isinstance(value, kind):
                return {kind.__name__: str(value).removeprefix("torch.")}
        raise SubmissionError(
            "operators",
            _DYNAMIC,
            f"an operator that is called with a {type(value).__name__}",
            "use plain tensor operations in forward",
        )


_RESHAPES = {"aten.view.default", "aten._unsafe_view.default", "aten.reshape.default"}
_POOLINGS = {"aten.max_pool2d_with_indices.default", "aten.avg_pool2d.default"}


def _spell_out(function: Any, args: Any, kwargs: dict[str, Any]) -> list[Any]:
    """Positional arguments with their defaults, so that two spellings of one call become the same node.

    `flatten`, `view(n, -1)` and `view(-1, 400)` are one reshape already; its size is written by the recorder.
    """
    written = list(args)
    for argument in function._schema.arguments[len(written) :]:
        if argument.kwarg_only or argument.name in kwargs or not argument.has_default_value():
            break
        written.append(argument.default_value)
    if str(function) in _POOLINGS and not written[2]:
        written[2] = written[1]  # an empty stride stands for the kernel
    return written


def _reads_values(operator: str) -> SubmissionError:
    return SubmissionError(
        "forward",
        _DYNAMIC,
        f"a decision based on the values of the image: a tensor is converted to a Python number ({operator})",
        "remove if, while, float() and .item() on tensors from forward: use torch.where or a mask",
    )


def trace(model: torch.nn.Module, image: torch.Tensor, training: bool) -> Tape:
    """Run the model once on `image` (batch, *shape) in training or evaluation mode and record it."""
    tape = Tape()
    recorder = _Recorder(tape, image)
    model.train(training)
    with recorder:
        output = model(image)
    tape.output = recorder.name(output)
    return tape


def unify(first: Tape, second: Tape) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Nodes and output of the graph behind two traces of one model that differ in batch size only.

    Raises SubmissionError when the traces differ in more than integers.
    """
    if len(first.nodes) != len(second.nodes):
        raise _depends_on_batch(f"{len(first.nodes)} operators for a batch of 2, {len(second.nodes)} for one of 3")
    nodes = [_merge(a, b) for a, b in zip(first.nodes, second.nodes, strict=True)]
    return nodes, _merge(first.output, second.output)


def _merge(first: Any, second: Any) -> Any:
    if type(first) is not type(second):
        raise _depends_on_batch("an argument whose type changes with the batch")
    if isinstance(first, dict):
        if first.keys() != second.keys():
            raise _depends_on_batch("an argument from a different source when the batch changes")
        if "node" in first and first != second:
            raise _depends_on_batch("an operator that reads a different result when the batch changes")
        return {key: first[key] if key in ("outside", "node") else _merge(first[key], second[key]) for key in first}
    if isinstance(first, list):
        if len(first) != len(second):
            raise _depends_on_batch("a list whose length is the batch size")
        return [_merge(a, b) for a, b in zip(first, second, strict=True)]
    if type(first) is int and first != second:
        slope = (second - first) // (BATCH_SIZES[1] - BATCH_SIZES[0])
        return {"batch": [slope, first - slope * BATCH_SIZES[0]]}
    if first != second:
        raise _depends_on_batch(f"{str(first)[:40]} for a batch of 2, {str(second)[:40]} for one of 3")
    return first


def _depends_on_batch(found: str) -> SubmissionError:
    return SubmissionError(
        "operators", _DYNAMIC, f"operations that change with the batch: {found}", "use x.size(0) or -1 for the batch"
    )


def drop_dead(nodes: list[dict[str, Any]], output: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Leave out the operators that neither the output nor a live in-place operator needs, and renumber the rest."""
    live: set[int] = set(_node_references(output))
    for index in range(len(nodes) - 1, -1, -1):
        if index in live or _writes(nodes[index]):
            live |= {index, *_node_references(nodes[index])}
    number = {old: new for new, old in enumerate(sorted(live))}
    kept = [_renumber(nodes[old], number) for old in sorted(live)]
    return kept, _renumber(output, number)


def _writes(node: dict[str, Any]) -> bool:
    return node["op"].split(".")[1].endswith("_")


def references(value: Any, kind: str) -> Iterator[Any]:
    """Every reference of one kind (`node`, `outside`, `tensor`, `input`) inside a node's arguments, in order."""
    if isinstance(value, dict):
        if kind in value:
            yield value[kind]
        else:
            for item in value.values():
                yield from references(item, kind)
    elif isinstance(value, list):
        for item in value:
            yield from references(item, kind)


def _node_references(value: Any) -> list[int]:
    return [index for index, _ in references(value, "node")]


def _renumber(value: Any, number: dict[int, int]) -> Any:
    if isinstance(value, dict):
        if "node" in value:
            index, position = value["node"]
            return {"node": [number[index], position]}
        return {key: _renumber(item, number) for key, item in value.items()}
    if isinstance(value, list):
        return [_renumber(item, number) for item in value]
    return value


def name_outside(value: Any, names: dict[int, str]) -> Any:
    """The same nodes with `outside` identities replaced by the names of tensors."""
    if isinstance(value, dict):
        if "outside" in value:
            return {"tensor": names[value["outside"]]}
        return {key: name_outside(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [name_outside(item, names) for item in value]
    return value
