"""Hides code in a Lambda layer, which a grader that loads a saved model would run."""

import field
import keras


def peek(x):
    field.attempt("labels from a layer", lambda: open(field.LABELS).read())
    return x * 1.0


def build_model():
    layers = [keras.Input((28, 28, 1)), keras.layers.Lambda(peek), keras.layers.Flatten(), keras.layers.Dense(10)]
    return keras.Sequential(layers)
