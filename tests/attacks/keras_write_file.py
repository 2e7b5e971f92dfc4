"""Writes, copies, renames and removes files with TensorFlow's own file operations."""

import field
import keras
import tensorflow as tf

for change in (
    lambda: tf.io.write_file(field.MARKS + "/by_tensorflow", "x"),
    lambda: tf.io.gfile.copy(field.SIBLING, field.MARKS + "/copied"),
    lambda: tf.io.gfile.makedirs(field.MARKS + "/folder"),
    lambda: tf.io.gfile.rename(field.RESULTS, field.MARKS + "/renamed"),
):
    try:
        change()
    except Exception as error:
        print(str(error)[:200])


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
