"""Hands in a model of hundreds of millions of parameters."""

import field
import keras

ATTACK = {"judge": "stopped", "limits": {"memory": 800_000_000, "wall_seconds": 6}, "control": {"wall_seconds": 2}}


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(400_000)])
