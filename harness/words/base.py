"""The contents of a file of words: the same names for every framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from harness.records.framework import Framework


class Words(Protocol):
    """One framework's argument names, lines of code and advice."""

    ARGUMENTS: Mapping[str, str]
    """The argument for each setting of a layer: filters, units, kernel, pool, stride, dilation, groups, bias."""
    FROZEN: str
    """The setting that keeps a layer from being trained."""
    SOFTMAX_INSIDE: str
    """What to observe in one's own training of a model that ends in a softmax."""
    LEAVE_SEEDS: str
    """What to try if initial weights do not depend on the seed."""
    LET_GRADIENT_THROUGH: str
    """What to try if training does not change weights."""
    COMPUTE_ALONE: str
    """What to try if an answer depends on the rest of the batch."""
    FLATTEN: str
    """The line that flattens the maps to a vector."""

    def padding(self, pixels: int) -> str:
        """The padding argument of a convolution that keeps the size of its maps with this many pixels, or has none."""

    def convolution(self, inputs: int, filters: int, kernel: int, padding: str = "", activation: str = "") -> list[str]:
        """The lines of a convolution; `padding` is the whole argument, `activation` the name of the activation."""

    def pooling(self, kind: str, size: int) -> str:
        """The line of a `max` or `average` pooling whose windows do not overlap."""

    def dense(self, inputs: int, units: int, activation: str = "") -> list[str]:
        """The lines of a fully connected layer."""

    def model(self, lines: Sequence[str]) -> str:
        """A `model.py` whose build_model() returns these lines as one sequential model."""


@cache
def words_of(framework: Framework) -> Words:
    """The words of a framework, loaded by its name."""
    return cast(Words, import_module(f"harness.words.{framework}"))
