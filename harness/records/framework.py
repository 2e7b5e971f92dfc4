"""The frameworks that a model may be written in."""

from __future__ import annotations

from enum import StrEnum


class Framework(StrEnum):
    """The framework a model is written in."""

    TORCH = "torch"
    TENSORFLOW = "tensorflow"
