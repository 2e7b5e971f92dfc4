"""LeNet-5 with the functional API of Keras."""

import keras
from keras import layers


def conv_block(x, filters, padding):
    """Convolution, ReLU and pooling always come together, so I made a function."""
    x = layers.Conv2D(filters, 5, padding=padding)(x)
    x = layers.ReLU()(x)
    return layers.MaxPooling2D()(x)


inputs = keras.Input(shape=(28, 28, 1), name="image")
h = conv_block(inputs, 6, "same")
h = conv_block(h, 16, "valid")
h = layers.Flatten()(h)
h = layers.Dense(120, activation="relu")(h)
h = layers.Dense(84, activation="relu")(h)
outputs = layers.Dense(10, name="logits")(h)

model = keras.Model(inputs, outputs, name="emi_lenet5")
