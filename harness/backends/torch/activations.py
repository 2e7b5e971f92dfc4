"""The output of each operation of an audited PyTorch graph for a few images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import safetensors.torch
import torch
from torch import fx

from harness.backends.base import Activations, Floats
from harness.backends.torch.replay import GraphModule


def activations(graph: bytes, weights: bytes, images: Floats, names: Sequence[str]) -> Activations:
    """The first result of each named operation of the evaluation graph, (count, ...), channels first."""
    torch.set_num_threads(1)
    module = GraphModule(json.loads(graph), safetensors.torch.load(weights)).eval()
    recorder = _Recorder(module._graphs["eval"], names)
    with torch.inference_mode():
        recorder.run(torch.from_numpy(images))
    return recorder.found


class _Recorder(fx.Interpreter):
    """Runs a graph and keeps the named operations' outputs, before an in-place operation can change them."""

    def __init__(self, module: fx.GraphModule, names: Sequence[str]) -> None:
        super().__init__(module)
        self._names = frozenset(names)
        self.found: Activations = {}

    def run_node(self, n: fx.Node) -> Any:
        """Run one node as usual; ours are named n0, n1, ... by the writer."""
        result = super().run_node(n)
        if n.name in self._names:
            first = result[0] if isinstance(result, (tuple, list)) else result
            self.found[n.name] = first.to(torch.float32, copy=True).numpy()
        return result
