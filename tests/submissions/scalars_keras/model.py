"""A product with 490 weights that are written out number by number, so that no tensor holds them."""

import keras
from keras import layers, ops

WEIGHTS = [[((7 * row + 3 * column) % 13 - 6) / 10 for column in range(10)] for row in range(49)]


class Scalars(keras.Model):
    def __init__(self):
        super().__init__()
        self.pool = layers.AveragePooling2D(4)
        self.flatten = layers.Flatten()
        self.dense = layers.Dense(10)

    def call(self, x):
        pixels = ops.unstack(self.flatten(self.pool(x)), 49, axis=1)
        sums = [sum(pixel * row[k] for pixel, row in zip(pixels, WEIGHTS)) for k in range(10)]
        return self.dense(ops.stack(sums, axis=1))
