"""Puts Python code into the graph, to be run wherever the graph is."""

import field
import keras
import tensorflow as tf


def peek(x):
    field.attempt("labels from the graph", lambda: open(field.LABELS).read())
    return x


class Run(keras.layers.Layer):
    def call(self, x):
        y = tf.py_function(peek, [x], tf.float32)
        y.set_shape(x.shape)
        return y


def build_model():
    model = keras.Sequential([keras.Input((28, 28, 1)), Run(), keras.layers.Flatten(), keras.layers.Dense(10)])
    model(tf.zeros((1, 28, 28, 1)))
    return model
