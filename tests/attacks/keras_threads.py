"""Asks TensorFlow for five hundred threads."""

import os

import field
import keras
import tensorflow as tf

ATTACK = {"limits": {"threads": 64}}

tf.config.threading.set_inter_op_parallelism_threads(500)
tf.config.threading.set_intra_op_parallelism_threads(500)
tf.constant([1.0]) + 1
threads = len(os.listdir("/proc/self/task"))
if threads > 300:
    __import__("time").sleep(0.3)
    field.reached(f"{threads} threads")


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
