"""What a trainer observes about a trained model besides its accuracy: unchanged weights, answers that depend on the
batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.backends.base import Images, Trainee
from harness.backends.losses import log_probabilities

BATCH_IMAGES = 256
OTHER_BATCH = 32
TOLERANCE = 1e-3
"""By how much a probability may change with the batch. Summed in another order, float32 changes it by some 1e-6."""

Weights = dict[str, npt.NDArray[Any]]


def unmoved(initial: Weights, trainee: Trainee) -> dict[str, int]:
    """The size of each trainable tensor that is bit-identical to its initial value."""
    now = trainee.weights()
    same = {name: value.size for name, value in initial.items() if value.tobytes() == now[name].tobytes()}
    return {name: size for name, size in same.items() if size}


def batch_dependence(trainee: Trainee, images: Images) -> dict[str, Any]:
    """How many of the first images get different answers in a different batch: counts for `Observations`.

    They are predicted in one batch, and again in small batches of those with the same class, which is as different as
    possible. A model that stays random in evaluation mode differs from call to call: that is allowed for.
    """
    images = images[:BATCH_IMAGES]
    together = _probabilities(trainee, images, BATCH_IMAGES)
    noise = np.abs(_probabilities(trainee, images, BATCH_IMAGES) - together).max()
    order = np.argsort(together.argmax(axis=1), kind="stable")
    apart = np.empty_like(together)
    apart[order] = _probabilities(trainee, images[order], OTHER_BATCH)
    moved = np.abs(apart - together).max(axis=1) > TOLERANCE + 4 * noise
    other_class = apart.argmax(axis=1) != together.argmax(axis=1)
    return {
        "batch_images": len(images),
        "batch_dependent": int(moved.sum()),
        "reclassified": int((moved & other_class).sum()),
    }


def _probabilities(trainee: Trainee, images: Images, batch_size: int) -> npt.NDArray[np.float32]:
    return np.exp(log_probabilities(trainee.predict(images, batch_size), trainee.output_kind))
