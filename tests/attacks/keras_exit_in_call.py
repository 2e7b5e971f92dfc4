"""Ends the process with exit code 0 while the model is traced."""

import os

import field
import keras

ATTACK = {"judge": "exit code"}


class Bomb(keras.layers.Layer):
    def call(self, x):
        os._exit(0)


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), Bomb(), keras.layers.Flatten(), keras.layers.Dense(10)])
