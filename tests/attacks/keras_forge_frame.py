"""Sends a result of its own from within a graph that is being traced, and ends."""

import os

import field
import keras
from harness.jobs import frames

ATTACK = {"judge": "claims"}


class Forge(keras.layers.Layer):
    def call(self, x):
        claims = {"ok": True, "accuracy": 1.0, "parameters": 61_706}
        field.send(frames.encode(claims, {"graph": b"{}", "labels": b"{}", "weights": b""}))
        os._exit(0)


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), Forge(), keras.layers.Flatten(), keras.layers.Dense(10)])
