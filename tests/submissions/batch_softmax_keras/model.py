"""A softmax over the batch instead of over the classes."""

import keras
from keras import layers, ops


class BatchSoftmax(keras.Model):
    def __init__(self):
        super().__init__()
        self.pool = layers.AveragePooling2D(2)
        self.flatten = layers.Flatten()
        self.dense = layers.Dense(10)

    def call(self, x):
        return ops.softmax(self.dense(self.flatten(self.pool(x))), axis=0)
