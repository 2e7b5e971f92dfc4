"""Makes Keras say that the model has the reference's number of parameters, and that it is always right."""

import field
import keras

ATTACK = {"judge": "recount"}

keras.Model.count_params = lambda self: 61_706
keras.Model.evaluate = lambda self, *args, **kwargs: [0.0, 1.0]


def build_model():
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    field.reached(f"a count in this process gives {model.count_params():,}, an evaluation {model.evaluate()}")
    return model
