"""A wider network: 16 and 32 filters, dense layers of 160 and 96."""

import keras
from keras import layers


def build_model():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(160, activation="relu"),
            layers.Dense(96, activation="relu"),
            layers.Dense(10),
        ]
    )
