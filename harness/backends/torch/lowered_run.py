"""What the functions of lowered nodes share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from harness.language.graph import Graph, Node


@dataclass(frozen=True)
class Run:
    """One pass: the number of images, the type of floats, and random numbers that are given."""

    count: int
    dtype: torch.dtype
    drawn: Mapping[str, torch.Tensor]


Function = Callable[..., Any]
"""From a run and the values of a node's inputs to the value of the node."""

Lower = Callable[[Node, Graph], Function]


def plain(function: Callable[..., torch.Tensor]) -> Lower:
    """An operator that is a PyTorch function of its inputs alone."""

    def of_node(_: Node, __: Graph) -> Function:
        return lambda _, *inputs: function(*inputs)

    return of_node
