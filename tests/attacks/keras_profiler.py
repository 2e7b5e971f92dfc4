"""Starts TensorFlow's profiler, which writes what it sees into a folder."""

import field
import keras
import tensorflow as tf

ATTACK = {"limits": {"wall_seconds": 8}}

try:
    tf.profiler.experimental.start(field.MARKS)
    tf.constant(1.0) + 1
    tf.profiler.experimental.stop()
except Exception as error:
    print(error)


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
