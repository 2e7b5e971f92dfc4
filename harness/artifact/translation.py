"""What a translator gives back: a graph of the language, and how it lies beside the framework's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.language.graph import Graph
from harness.records.draw import Draw


@dataclass(frozen=True)
class Translation:
    """A graph, for each of its nodes the number of the original operator it comes from, and for each random node where
    the original draws."""

    graph: Graph
    origins: Mapping[str, int]
    draws: Mapping[str, Draw] = field(default_factory=dict)
