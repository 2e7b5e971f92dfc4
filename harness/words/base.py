"""What a file of words offers: the same for every framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from harness.records.framework import Framework


class Words(Protocol):
    """One framework's names of arguments, its lines of code and its sentences of advice."""

    ARGUMENTS: Mapping[str, str]
    """The argument for each setting of a layer: filters, units, kernel, pool, stride, dilation, groups, bias."""
    FROZEN: str
    """The setting that keeps a layer from being trained."""
    SOFTMAX_INSIDE: str
    """What to mind in one's own training of a model that ends in a softmax."""
    LEAVE_SEEDS: str
    """What to try where initial weights do not depend on the seed."""
    LET_GRADIENT_THROUGH: str
    """What to try where training does not move weights."""
    COMPUTE_ALONE: str
    """What to try where an answer depends on the rest of the batch."""
    FLATTEN: str
    """The line that makes a vector of the maps."""

    def padding(self, pixels: int) -> str:
        """The argument of a convolution that keeps its maps as large as they are with so many pixels, or pads none."""

    def convolution(self, inputs: int, filters: int, kernel: int, padding: str = "", activation: str = "") -> list[str]:
        """The lines of a convolution; `padding` is the whole argument, `activation` the name of what follows."""

    def pooling(self, kind: str, size: int) -> str:
        """The line of a pooling, `max` or `average`, whose windows do not overlap."""

    def dense(self, inputs: int, units: int, activation: str = "") -> list[str]:
        """The lines of a fully connected layer."""

    def model(self, lines: Sequence[str]) -> str:
        """A `model.py` whose build_model() gives these lines as one sequence."""


@cache
def words_of(framework: Framework) -> Words:
    """The words of a framework, found under its name."""
    return cast(Words, import_module(f"harness.words.{framework}"))
