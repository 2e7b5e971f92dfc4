"""The model is a class that needs no arguments; there is no build_model()."""

import keras
from keras import layers


class LeNet5(keras.Model):
    def __init__(self):
        super().__init__()
        self.c1 = layers.Conv2D(6, 5, padding="same", activation="relu")
        self.s2 = layers.MaxPooling2D(2)
        self.c3 = layers.Conv2D(16, 5, activation="relu")
        self.s4 = layers.MaxPooling2D(2)
        self.flatten = layers.Flatten()
        self.c5 = layers.Dense(120, activation="relu")
        self.f6 = layers.Dense(84, activation="relu")
        self.out = layers.Dense(10)

    def call(self, x, training=None):
        x = self.s2(self.c1(x))
        x = self.s4(self.c3(x))
        x = self.c5(self.flatten(x))
        return self.out(self.f6(x))
