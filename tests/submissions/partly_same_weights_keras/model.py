"""LeNet-5 whose first layer has a seed of its own in the file; the weights of the others depend on the harness's."""

import keras
from keras import layers


def build_model():
    first = keras.initializers.GlorotUniform(seed=1)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="tanh", kernel_initializer=first),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10),
        ]
    )
