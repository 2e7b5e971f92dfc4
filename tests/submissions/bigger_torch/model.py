"""A wider network: 16 and 32 filters, dense layers of 160 and 96."""

from torch import nn


def build_model():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 160),
        nn.ReLU(),
        nn.Linear(160, 96),
        nn.ReLU(),
        nn.Linear(96, 10),
    )
