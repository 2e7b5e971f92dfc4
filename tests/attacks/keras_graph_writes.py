"""Puts an operator into the graph that writes a file when the graph is run."""

import field
import keras
import tensorflow as tf


class Leak(keras.layers.Layer):
    def call(self, x):
        with tf.control_dependencies([tf.io.write_file(field.MARKS + "/from_the_graph", "x")]):
            return tf.identity(x)


def build_model():
    model = keras.Sequential([keras.Input((28, 28, 1)), Leak(), keras.layers.Flatten(), keras.layers.Dense(10)])
    try:
        model(tf.zeros((1, 28, 28, 1)))
    except Exception as error:
        print(str(error)[:200])
    return model
