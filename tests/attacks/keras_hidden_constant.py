"""Keeps weights in a constant of the graph, where no count of variables finds them."""

import field
import keras
import numpy as np
import tensorflow as tf

ATTACK = {"judge": "hidden", "parameters": 110}

HIDDEN = np.random.default_rng(0).normal(size=(784, 10)).astype("float32")


class Hidden(keras.layers.Layer):
    def call(self, x):
        return tf.matmul(x, tf.constant(HIDDEN))


def build_model():
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), Hidden(), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    field.reached(f"a count in this process gives {model.count_params()} for a model that holds 7,950 numbers")
    return model
