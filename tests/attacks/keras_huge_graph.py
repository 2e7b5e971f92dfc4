"""Hands in a model of a hundred thousand operations."""

import field
import keras

ATTACK = {"judge": "stopped", "limits": {"wall_seconds": 3}, "control": {"wall_seconds": 2}}


class Long(keras.layers.Layer):
    def call(self, x):
        for _ in range(100_000):
            x = x + 1
        return x


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), Long(), keras.layers.Flatten(), keras.layers.Dense(10)])
