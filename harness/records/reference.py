"""The model that a class is asked to build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.framework import Framework
from harness.records.layer import Layer


@dataclass(frozen=True)
class Reference:
    """The model that an assignment requires, by its `name` there; `title` is its display name.

    `totals` has wrong totals with a recognized cause, each with what to try.
    """

    name: str
    title: str
    layers: tuple[Layer, ...]
    totals: Mapping[int, str] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Parameters of all layers."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return sum(layer.macs for layer in self.layers)

    def titled(self, framework: Framework) -> str:
        """The name of a model of it on a board: `LeNet-5 (PyTorch)`."""
        return f"{self.title} ({framework.facts.title})"
