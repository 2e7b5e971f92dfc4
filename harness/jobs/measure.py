"""Run an audited graph once, and record the shape of each operation's result."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.framework import Framework
from harness.records.graph import Shape

MEASURE = "measure"


@dataclass(frozen=True)
class MeasureRequest:
    """An audited graph with one seed's weights."""

    framework: Framework
    graph: bytes
    weights: bytes


@dataclass(frozen=True)
class MeasureAnswer:
    """The shape without batch, channels first, of each operation by its name."""

    shapes: dict[str, Shape]
