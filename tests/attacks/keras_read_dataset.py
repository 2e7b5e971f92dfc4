"""Reads the test labels as a data set, in threads of TensorFlow's own."""

import field
import keras
import tensorflow as tf

field.attempt("lines", lambda: next(iter(tf.data.TextLineDataset(field.LABELS))).numpy())
field.attempt("records", lambda: next(iter(tf.data.FixedLengthRecordDataset(field.LABELS, 8))).numpy())


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
