"""What trains a model."""

from __future__ import annotations

from enum import StrEnum

from harness.records.framework import Framework


class Engine(StrEnum):
    """What trains a model: the compiled engine, which is the same for every framework, or the model's own framework."""

    COMPILED = "compiled"
    FRAMEWORK = "framework"

    def in_place_of(self, framework: Framework) -> Engine | Framework:
        """Which process does the work for a model of this framework."""
        return self if self is Engine.COMPILED else framework
