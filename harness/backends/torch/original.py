"""Replays a PyTorch graph as it was exported, in float64, to compare its translation with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch

from harness.backends.base import Array, Arrays, Pass
from harness.backends.torch.arrays import arrays, gradients, tensors_of
from harness.records.draw import Draw

_FLOATS = ("float32", "float64", "float16", "bfloat16")
_OF_NUMBERS = frozenset(
    "add sub rsub mul div pow gt ge lt le maximum minimum where full fill full_like new_full masked_fill scalar_tensor "
    "arange linspace".split()
)
"""Operators that take numbers as they take tensors. Numbers are rounded as float32 has them, as in the language: what
multiplies them by thousands, such as the sine of a position, would show the difference."""


class TorchOriginal:
    """The training and the evaluation graph over one set of tensors.

    Only for a graph that was translated: its operators are looked up by name and take the arguments that it has.
    """

    def __init__(self, graph: bytes, weights: Arrays) -> None:
        self._graph: dict[str, Any] = json.loads(graph)
        self._weights = weights
        self._trainable = [name for name, spec in self._graph["tensors"].items() if spec["trainable"]]

    def run(self, is_training: bool, images: Array, direction: Array | None, draws: Mapping[str, Draw]) -> Pass:
        """One pass from the same weights and the same random numbers each time."""
        tensors = tensors_of(self._weights, self._trainable)
        mode = self._graph["train" if is_training else "eval"]
        with _in_double(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            replay = _Replay(tensors, torch.from_numpy(images.copy()), draws)
            for node in mode["nodes"]:
                replay.add(node)
            outputs = replay.read(mode["output"])
        found = gradients(outputs, {name: tensors[name] for name in self._trainable}, direction)
        return Pass(outputs.detach().numpy(), arrays(tensors), found, replay.drawn)


@contextmanager
def _in_double() -> Iterator[None]:
    """What a graph creates without a type is float64, too."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class _Replay:
    """The results of the nodes so far."""

    def __init__(self, tensors: Mapping[str, torch.Tensor], images: torch.Tensor, draws: Mapping[str, Draw]) -> None:
        self._tensors, self._images = tensors, images
        self._names: dict[int, list[tuple[str, int]]] = {}
        for name, draw in draws.items():
            self._names.setdefault(draw.node, []).append((name, draw.position))
        self._results: list[Any] = []
        self.drawn: dict[str, Array] = {}

    def add(self, node: dict[str, Any]) -> None:
        """Compute one node. Random numbers are copied before an operator in place can change them."""
        args = [self.read(arg) for arg in node["args"]]
        kwargs = {name: self.read(arg) for name, arg in node["kwargs"].items()}
        name = node["op"].split(".")[1]
        if name.rstrip("_") in _OF_NUMBERS and name != "div_":  # which is that of dropout, exact in the language
            args, kwargs = [_rounded(arg) for arg in args], {name: _rounded(arg) for name, arg in kwargs.items()}
        with torch.no_grad() if node.get("no_grad") else nullcontext():
            result = _operator(node["op"])(*args, **kwargs)
        for name, position in self._names.get(len(self._results), ()):
            first = result[position] if isinstance(result, (tuple, list)) else (result, *args[1:2])[position]
            self.drawn[name] = first.detach().to(torch.float64, copy=True).numpy()
        self._results.append(result)

    def read(self, value: Any) -> Any:
        """An argument of a node."""
        if isinstance(value, list):
            return [self.read(item) for item in value]
        if not isinstance(value, dict):
            return value
        (kind, content), *_ = value.items()
        if kind == "node":
            result = self._results[content[0]]
            return result[content[1]] if isinstance(result, (tuple, list)) else result
        return self._of(kind, content)

    def _of(self, kind: str, content: Any) -> Any:
        if kind == "input":
            return self._images
        if kind == "tensor":
            return self._tensors[content]
        if kind == "batch":
            return len(self._images) * content[0] + content[1]
        if kind == "float":
            return float(content)
        if kind == "device":
            return torch.device("cpu")
        return torch.float64 if content in _FLOATS else getattr(torch, content)


def _rounded(value: Any) -> Any:
    return float(np.float32(value)) if isinstance(value, float) else value


def _operator(name: str) -> torch._ops.OpOverload:
    namespace, packet, overload = name.split(".")
    found = getattr(getattr(getattr(torch.ops, namespace), packet), overload)
    if namespace != "aten" or not isinstance(found, torch._ops.OpOverload):
        raise ValueError(f"not an ATen operator: {name}")
    return found


def original(graph: bytes, weights: Arrays) -> TorchOriginal:
    """An exported graph, ready to be compared."""
    torch.set_num_threads(1)
    return TorchOriginal(graph, weights)
