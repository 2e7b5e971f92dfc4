"""Gives its layers and variables names that are terminal commands."""

import field
import keras

ATTACK = {"judge": "rendered", "handed_in_as": "emi\x1b[2J\u202e"}


class Layer(keras.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(784, 10), name="\x1b[2J\u202ekernel")
        self.shift = self.add_weight(shape=(10,), name="bias\x07")

    def call(self, x):
        return keras.ops.matmul(x, self.scale) + self.shift


Layer.__name__ = Layer.__qualname__ = "\x1b[2J\u202eDense"
print("\x1b[2Jpassed")


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), Layer(name="dense")])
