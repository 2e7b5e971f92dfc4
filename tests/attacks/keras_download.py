"""Has Keras download a file, and reads MNIST from where Keras keeps its downloads."""

import field
import keras


def cached():
    return open(keras.utils.get_file("mnist.npz", origin="", cache_dir=field.HOME + "/.keras")).read()


field.attempt("kept download", cached)
try:
    keras.utils.get_file("weights.h5", origin=f"http://127.0.0.1:{field.TCP}/weights.h5", cache_dir="/tmp")
except Exception as error:
    print(error)


def build_model():
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
