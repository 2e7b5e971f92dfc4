"""A dense layer whose 490 weights are a Python list inside of call."""

import keras
from keras import layers, ops

WEIGHTS = [[((7 * row + 3 * column) % 13 - 6) / 10 for column in range(10)] for row in range(49)]


class Literals(keras.Model):
    def __init__(self):
        super().__init__()
        self.pool = layers.AveragePooling2D(4)
        self.flatten = layers.Flatten()
        self.dense = layers.Dense(10)

    def call(self, x):
        return self.dense(ops.matmul(self.flatten(self.pool(x)), ops.convert_to_tensor(WEIGHTS)))
