"""A Sequential, its layers named and added one by one."""

import keras
from keras import layers


def build_model():
    model = keras.Sequential(name="lenet5")
    model.add(keras.Input((28, 28, 1)))
    model.add(layers.Conv2D(6, 5, padding="same", activation="relu", name="c1"))
    model.add(layers.MaxPooling2D(2, name="s2"))
    model.add(layers.Conv2D(16, 5, activation="relu", name="c3"))
    model.add(layers.MaxPooling2D(2, name="s4"))
    model.add(layers.Flatten(name="flatten"))
    model.add(layers.Dense(120, activation="relu", name="c5"))
    model.add(layers.Dense(84, activation="relu", name="f6"))
    model.add(layers.Dense(10, name="output"))
    return model
