"""A constant that only the training graph reads: with it, training overwrites the weights it should learn."""

import keras
import numpy as np
from keras import layers

WEIGHTS = np.linspace(-1, 1, 1960, dtype="float32").reshape(196, 10)


class Overwritten(keras.Model):
    def __init__(self):
        super().__init__()
        self.pool = layers.AveragePooling2D(2)
        self.flatten = layers.Flatten()
        self.dense = layers.Dense(10)

    def call(self, x, training=False):
        x = self.flatten(self.pool(x))
        answer = self.dense(x)
        if training:
            self.dense.kernel.assign(WEIGHTS)
        return answer
