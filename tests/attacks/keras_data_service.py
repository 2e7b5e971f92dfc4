"""Starts TensorFlow's data service, which listens on the network."""

import field
import keras
import tensorflow as tf

ATTACK = {"limits": {"wall_seconds": 6}}

field.attempt("data service", lambda: tf.data.experimental.service.DispatchServer().target)


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
