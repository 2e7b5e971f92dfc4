"""Starts TensorFlow's own servers: for distributed training, for data, and for profiles."""

import field
import keras
import tensorflow as tf

ATTACK = {"limits": {"wall_seconds": 6}}

field.attempt("training server", lambda: tf.distribute.Server.create_local_server(start=True).target)


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
