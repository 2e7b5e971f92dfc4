"""The loss of each kind of output, as one definition for every framework.

Negative log-likelihood of the true class, averaged over the batch. Logits go through log-softmax; probabilities are
kept away from 0 and 1 by the constant that Keras uses (keras.config.epsilon()).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.records.graph import OutputKind

PROBABILITY_FLOOR = 1e-7


def log_probabilities(outputs: npt.NDArray[np.float32], kind: OutputKind) -> npt.NDArray[np.float32]:
    """Log-probabilities (count, classes) of a model's outputs (count, classes)."""
    if kind is OutputKind.LOG_PROBABILITIES:
        return outputs
    if kind is OutputKind.PROBABILITIES:
        found = np.log(np.clip(outputs, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR))
    else:
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        found = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.asarray(found)


def loss_of(
    outputs: npt.NDArray[np.float64], labels: npt.NDArray[np.uint8], kind: OutputKind
) -> tuple[float, npt.NDArray[np.float64]]:
    """The loss of a batch, and its gradient by the outputs (count, classes), in float64."""
    rows, count = np.arange(len(labels)), len(labels)
    if kind is OutputKind.LOGITS:
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        likelihoods = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        direction: npt.NDArray[Any] = np.exp(likelihoods)
        direction[rows, labels] -= 1
        return float(-likelihoods[rows, labels].mean()), direction / count
    own = outputs[rows, labels]
    direction = np.zeros_like(outputs)
    if kind is OutputKind.LOG_PROBABILITIES:
        direction[rows, labels] = -1 / count
        return float(-own.mean()), direction
    clipped = np.clip(own, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    direction[rows, labels] = np.where(clipped == own, -1 / (count * clipped), 0.0)
    return float(-np.log(clipped).mean()), direction
