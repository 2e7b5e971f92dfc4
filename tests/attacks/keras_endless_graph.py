"""Puts a loop into the graph that never ends."""

import field
import keras
import tensorflow as tf

ATTACK = {"judge": "endless", "limits": {"wall_seconds": 2}, "control": {"wall_seconds": 2.5}, "ended_by": ("time",)}


class Loop(keras.layers.Layer):
    def call(self, x):
        return tf.while_loop(lambda i, a: i < 10**12, lambda i, a: (i + 1, a + 1), [tf.constant(0, tf.int64), x])[1]


def build_model():
    model = keras.Sequential([keras.Input((28, 28, 1)), Loop(), keras.layers.Flatten(), keras.layers.Dense(10)])
    model(tf.zeros((1, 28, 28, 1)))
    return model
