"""What a translator gives back: a graph of the language, and how it lies beside the framework's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.language.graph import Graph


@dataclass(frozen=True)
class Draw:
    """Where the original graph draws the random numbers of a node: result `position` of its operator `node`. With
    `kept_from`, a number is kept where the drawn one is at least this; without, what was drawn is used as it is (for
    Dropout: 1 to keep, 0 to drop)."""

    node: int
    position: int = 0
    kept_from: float | None = None


@dataclass(frozen=True)
class Translation:
    """A graph, for each of its nodes the number of the original operator it comes from, and for each random node where
    the original draws."""

    graph: Graph
    origins: Mapping[str, int]
    draws: Mapping[str, Draw] = field(default_factory=dict)
