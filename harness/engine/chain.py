"""Which models the compiled engine can train."""

from __future__ import annotations

from harness.language.graph import ModelGraph


def not_covered(model: ModelGraph) -> str:
    """Empty where the engine can train the model, else the reason in a few plain words."""
    return "the engine is not part of this version" if model.training.nodes else "a model without operators"
