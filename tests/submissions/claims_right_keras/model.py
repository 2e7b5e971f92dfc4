"""LeNet-5 whose author counted every layer right."""

import keras
from keras import layers


def build_model():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(2, name="pool1"),
            layers.Conv2D(16, 5, activation="relu", name="conv2"),
            layers.MaxPooling2D(2, name="pool2"),
            layers.Flatten(),
            layers.Dense(120, activation="relu", name="fc1"),
            layers.Dense(84, activation="relu", name="fc2"),
            layers.Dense(10, name="fc3"),
        ]
    )


PARAMETERS = {"conv1": 156, "C3": 2_416, "fc1": 48_120, "f6": 10_164, "fc3": 850, "total": 61_706}
