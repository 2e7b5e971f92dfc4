"""Checks of initial weights: whether they depend on the seed, and on nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from harness.artifact.weights import views
from harness.records.check import Check
from harness.records.framework import Framework
from harness.records.graph import Tensor
from harness.scoring.copies import is_copy
from harness.scoring.findings import same_weights, unrepeatable

Content = Mapping[str, memoryview]

_COMPARED, _THOROUGHLY = 250, 1_000_000
"""So many tensors, the largest ones, are compared: a hostile model may have thousands. Of these the smallest are
searched for every kind of copy, as long as they have no more numbers than this together."""


def start_checks(
    trainable: Sequence[Tensor], framework: Framework, first: bytes, second: bytes, again: bytes
) -> tuple[Check, Check]:
    """Whether seeds 0 and 1 (`first`, `second`) start from different weights, and seed 0 from the same ones `again`.

    The blobs are audited.
    """
    one, two, repeated = (dict(views(blob)) for blob in (first, second, again))
    equal = [t for t in trainable if one[t.name] == two[t.name]]
    changed = [t for t in trainable if one[t.name] != repeated[t.name]]
    if len(equal) == len(trainable):  # nothing depends on the seed, not even in a model of constants
        return same_weights(trainable, trainable, framework), unrepeatable(trainable, changed)
    others = [t for t in trainable if one[t.name] != two[t.name]]
    copied = _copied(others, one, two)
    disguised = [t for t in others if t.name in copied]
    same = [t for t in equal if is_copy(_numbers(one, t), _numbers(two, t))]
    return same_weights(trainable, same, framework, disguised), unrepeatable(trainable, changed)


def _copied(tensors: Sequence[Tensor], one: Content, two: Content) -> set[str]:
    """The names of those that are copies, not bit by bit."""
    compared = sorted(tensors, key=lambda t: t.size)[-_COMPARED:]
    so_far = itertools.accumulate(tensor.size for tensor in compared)
    return {
        tensor.name
        for tensor, numbers in zip(compared, so_far, strict=True)
        if is_copy(_numbers(one, tensor), _numbers(two, tensor), len(compared), thorough=numbers <= _THOROUGHLY)
    }


def _numbers(content: Content, tensor: Tensor) -> npt.NDArray[np.float32]:
    return np.frombuffer(content[tensor.name], "<f4").reshape(tensor.shape)
