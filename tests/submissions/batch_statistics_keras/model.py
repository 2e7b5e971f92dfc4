"""A normalization that keeps no statistics: it uses those of the batch in evaluation too."""

import keras
from keras import layers, ops


class BatchStatistics(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(6, 5, padding="same")
        self.rest = keras.Sequential([layers.ReLU(), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(10)])

    def call(self, x):
        x = self.conv(x)
        mean, variance = ops.moments(x, axes=(0, 1, 2), keepdims=True)
        return self.rest((x - mean) / ops.sqrt(variance + 1e-5))
