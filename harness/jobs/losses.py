"""The loss of each kind of output, as one definition for every framework.

Negative log-likelihood of the true class, averaged over the batch. Logits go through log-softmax; probabilities are
kept away from 0 and 1 by the constant that Keras uses (keras.config.epsilon()).
"""

from __future__ import annotations

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
