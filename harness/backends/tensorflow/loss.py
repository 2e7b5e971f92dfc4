"""The loss of a batch, as `harness.jobs.losses` defines it, and the error of outputs that have none."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from harness.backends.tensorflow.imported import tf
from harness.jobs.losses import PROBABILITY_FLOOR
from harness.jobs.outputs import wrong_outputs
from harness.records.graph import OutputKind
from harness.records.inputs import CLASSES, OUTPUTS


def loss_of(outputs: Any, labels: Any, kind: OutputKind) -> Any:
    """Mean negative log-likelihood of the labels. Fails with `_SHAPE` for outputs of another shape."""
    tf.debugging.assert_equal(tf.shape(outputs), tf.stack([tf.size(labels), CLASSES]), _SHAPE)
    outputs = tf.cast(outputs, tf.float32)
    if kind is OutputKind.LOGITS:
        outputs = tf.nn.log_softmax(outputs)
    elif kind is OutputKind.PROBABILITIES:
        outputs = tf.math.log(tf.clip_by_value(outputs, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR))
    right = tf.one_hot(labels, tf.shape(outputs)[1], on_value=True, off_value=False)
    return -tf.reduce_mean(tf.reduce_sum(tf.where(right, outputs, 0.0), axis=1))


_SHAPE = f"harness: {OUTPUTS} of another shape"


@contextlib.contextmanager
def outputs_told(batch_size: int) -> Iterator[None]:
    """A shape error that TensorFlow raises in training becomes the error that a single batch would have caused."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if _SHAPE not in error.message:
            raise
        found = re.search(r"\[x [^]]*\] \[([\d ]*)\] \[y [^]]*\] \[(\d+)", error.message)
        shape = [int(size) for size in found[1].split()] if found else None
        raise wrong_outputs(shape, int(found[2]) if found else batch_size) from None
