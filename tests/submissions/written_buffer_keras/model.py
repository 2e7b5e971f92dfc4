"""LeNet-5 with 150 numbers in a variable that training writes to, so that it looks like a statistic."""

import keras
from keras import layers


class Hiding(layers.Conv2D):
    def build(self, input_shape):
        super().build(input_shape)
        self.extra = self.add_weight(shape=self._kernel.shape, initializer="zeros", trainable=False, name="extra")

    def call(self, x, training=False):
        if training:
            self.extra.assign(self.extra * 1.0)
        outputs = keras.ops.conv(x, self._kernel + self.extra, padding="same")
        return keras.ops.relu(outputs + self.bias)


def build_model():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            Hiding(6, 5, padding="same"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10),
        ]
    )
