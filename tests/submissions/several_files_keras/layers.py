"""The two halves of LeNet-5."""

from keras.layers import Conv2D, Dense, MaxPooling2D


def features():
    return [
        Conv2D(6, 5, padding="same", activation="relu"),
        MaxPooling2D(2),
        Conv2D(16, 5, activation="relu"),
        MaxPooling2D(2),
    ]


def classifier():
    return [Dense(120, activation="relu"), Dense(84, activation="relu"), Dense(10)]
