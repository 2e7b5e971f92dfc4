"""The output of each operation of an audited PyTorch graph for a few images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import safetensors.torch
import torch
from torch import fx

from harness.backends.base import Activations, Floats, Note, Reader
from harness.backends.torch.passes import prepare
from harness.backends.torch.replay import _OURS, GraphModule


def activations(graph: bytes, weights: bytes, images: Floats, names: Sequence[str]) -> Activations:
    """The first result of each named operation of the evaluation graph, (count, ...), channels first."""
    torch.set_num_threads(1)
    found: Activations = {}
    module = GraphModule(json.loads(graph), safetensors.torch.load(weights)).eval()
    with torch.inference_mode():
        _Recorder(module._graphs["eval"], names, found.__setitem__).run(torch.from_numpy(images))
    return found


def reader(graph: bytes, weights: bytes, names: Sequence[str]) -> Reader:
    """The same for many images, in the order of operations and the layout of training, which is faster."""
    torch.set_num_threads(1)
    prepared, tensors = prepare(json.loads(graph)), safetensors.torch.load(weights)
    for name in prepared.channels_last:
        tensors[name] = tensors[name].contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if prepared.channels_last else torch.preserve_format
    module = GraphModule(prepared.graph, tensors, _OURS if prepared.channels_last else {}).eval()

    def read(images: Floats, note: Note) -> None:
        with torch.inference_mode():
            laid_out = torch.from_numpy(images).to(torch.float32, memory_format=layout)
            _Recorder(module._graphs["eval"], names, note).run(laid_out)

    return read


class _Recorder(fx.Interpreter):
    """Runs a graph and hands over the named operations' outputs, before an in-place operation can change them."""

    def __init__(self, module: fx.GraphModule, names: Sequence[str], note: Note) -> None:
        super().__init__(module)
        self._names = frozenset(names)
        self._note = note

    def run_node(self, n: fx.Node) -> Any:
        """Run one node as usual; ours are named n0, n1, ... by the writer."""
        result = super().run_node(n)
        if n.name in self._names:
            first = result[0] if isinstance(result, (tuple, list)) else result
            self._note(n.name, first.to(torch.float32, copy=True).numpy())
        return result
