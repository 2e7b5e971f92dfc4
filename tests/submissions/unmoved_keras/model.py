"""LeNet-5 with a `stop_gradient` behind the first convolution: no gradient reaches it."""

import keras
from keras import layers, ops


class LeNet5(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv1 = layers.Conv2D(6, 5, padding="same", activation="relu")
        self.conv2 = layers.Conv2D(16, 5, activation="relu")
        self.pool = layers.MaxPooling2D(2)
        self.flatten = layers.Flatten()
        self.fc1 = layers.Dense(120, activation="relu")
        self.fc2 = layers.Dense(84, activation="relu")
        self.fc3 = layers.Dense(10)

    def call(self, x):
        x = ops.stop_gradient(self.pool(self.conv1(x)))
        x = self.flatten(self.pool(self.conv2(x)))
        return self.fc3(self.fc2(self.fc1(x)))
