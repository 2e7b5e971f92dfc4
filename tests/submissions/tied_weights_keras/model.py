"""One dense layer of 120, called twice in place of F6: its weights are shared, not counted twice."""

import keras
from keras import layers


def build_model():
    shared = layers.Dense(120, activation="relu")
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(6, 5, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(16, 5, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(120, activation="relu")(x)
    x = shared(shared(x))
    return keras.Model(inputs, layers.Dense(10)(x))
