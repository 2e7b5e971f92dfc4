"""How TensorFlow computes."""

from __future__ import annotations

from harness.backends.tensorflow.imported import tf


def use_one_thread() -> None:
    """One thread for everything TensorFlow computes, so that repeats are bit-identical."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
