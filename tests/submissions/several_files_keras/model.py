"""The model is put together from layers.py beside it."""

import keras
from layers import classifier, features


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), *features(), keras.layers.Flatten(), *classifier()])
