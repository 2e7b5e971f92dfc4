"""The weight of C5 is a constant of the forward pass: 48,000 numbers that no list of weights shows."""

import keras
import numpy as np
from keras import layers

WEIGHT = np.random.default_rng(5).normal(0, 0.05, (400, 120)).astype("float32")


class ConstantDense(layers.Layer):
    def build(self, input_shape):
        self.bias = self.add_weight(shape=(120,), initializer="zeros")

    def call(self, x):
        return keras.ops.relu(keras.ops.matmul(x, WEIGHT) + self.bias)


def build_model():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            ConstantDense(),
            layers.Dense(84, activation="relu"),
            layers.Dense(10),
        ]
    )
