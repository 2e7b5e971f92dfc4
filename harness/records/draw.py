"""Where a framework's own graph draws the random numbers of a node."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Draw:
    """Where the original graph draws the random numbers of a node: result `position` of its operator `node`. With
    `kept_from`, a number is kept where the drawn one is at least this; without, what was drawn is used as it is (for
    Dropout: 1 to keep, 0 to drop)."""

    node: int
    position: int = 0
    kept_from: float | None = None
