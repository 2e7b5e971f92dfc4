"""Checks of initial weights: whether they depend on the seed, and on nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.artifact.weights import views
from harness.records.check import Check
from harness.records.framework import Framework
from harness.records.graph import Tensor
from harness.scoring.copies import is_copy
from harness.scoring.findings import same_weights, unrepeatable

_COMPARED = 500
"""So many tensors, the largest ones, are compared: a hostile model may have thousands."""


def start_checks(
    trainable: Sequence[Tensor], framework: Framework, first: bytes, second: bytes, again: bytes
) -> tuple[Check, Check]:
    """Whether seeds 0 and 1 (`first`, `second`) start from different weights, and seed 0 from the same ones `again`.

    The blobs are audited.
    """
    one, two, repeated = (dict(views(blob)) for blob in (first, second, again))
    equal = {t.name for t in trainable if one[t.name] == two[t.name]}
    changed = [t for t in trainable if one[t.name] != repeated[t.name]]
    if len(equal) == len(trainable):  # nothing depends on the seed, not even in a model of constants
        return same_weights(trainable, trainable, framework), unrepeatable(trainable, changed)
    compared = sorted(trainable, key=lambda t: t.size)[-_COMPARED:]
    copied = [t for t in compared if is_copy(_numbers(one, t), _numbers(two, t), len(compared))]
    same = [t for t in trainable if t in copied and t.name in equal]
    disguised = [t for t in trainable if t in copied and t.name not in equal]
    return same_weights(trainable, same, framework, disguised), unrepeatable(trainable, changed)


def _numbers(content: dict[str, memoryview], tensor: Tensor) -> npt.NDArray[np.float32]:
    return np.frombuffer(content[tensor.name], "<f4").reshape(tensor.shape)
