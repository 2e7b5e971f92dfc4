"""LeNet-5 with PARAMETERS that fight back when they are read."""

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


class Evil(dict):
    """A dict whose every method raises or ends the program."""

    def __iter__(self):
        raise SystemExit("iterated")

    def __len__(self):
        raise KeyboardInterrupt("counted")

    items = keys = values = __getitem__ = __contains__ = __iter__


class Number(int):
    """A number that is another one whenever somebody looks."""

    def __index__(self):
        return 48_120

    def __abs__(self):
        raise SystemExit("measured")

    __int__ = __str__ = __repr__ = __eq__ = __lt__ = __ge__ = __hash__ = __abs__


class Name(str):
    """A name that is no plain text."""

    def __getitem__(self, key):
        raise SystemExit("cut")

    __str__ = __repr__ = __getitem__


class Index:
    """A number only when asked, and then not."""

    def __index__(self):
        raise SystemExit("asked")


deep = []
for _ in range(100_000):
    deep = [deep]

PARAMETERS = Evil({"conv1": 156, "fc1": Number(5), Name("fc2"): 10_164, "fc3": deep, "\x1b[31mfc4\u202e" * 90: 1, "total": Index()})
