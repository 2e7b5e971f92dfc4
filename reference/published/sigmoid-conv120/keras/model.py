"""LeNet-5 with sigmoid, average-pooling and a convolution of 120, in Keras.

Images (batch, 28, 28, 1) to probabilities (batch, 10).
"""

import keras
from keras import layers


def build_model() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="sigmoid"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="sigmoid"),
            layers.AveragePooling2D(2),
            layers.Conv2D(120, 5, activation="sigmoid"),
            layers.Flatten(),
            layers.Dense(84, activation="sigmoid"),
            layers.Dense(10, activation="softmax"),
        ]
    )
