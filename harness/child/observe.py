"""What a trainer observes about a trained model besides its accuracy: unchanged weights."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from harness.jobs.trainee import Trainee

Weights = dict[str, npt.NDArray[Any]]


def unmoved(initial: Weights, trainee: Trainee) -> dict[str, int]:
    """The size of each trainable tensor that is bit-identical to its initial value."""
    now = trainee.weights()
    same = {name: value.size for name, value in initial.items() if value.tobytes() == now[name].tobytes()}
    return {name: size for name, size in same.items() if size}
