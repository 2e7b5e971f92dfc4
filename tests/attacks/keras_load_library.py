"""Has TensorFlow load native code of its own choice into the process."""

import os

import field
import keras
import tensorflow as tf


def load():
    path = field.MARKS + "/library.so"
    with open("/lib/x86_64-linux-gnu/libm.so.6", "rb") as real, open(path, "wb") as copy:
        copy.write(real.read())
    tf.load_library(path)
    return os.path.basename(path)


field.attempt("library", load)


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
