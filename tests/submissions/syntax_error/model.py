"""A bracket is never closed."""

from torch import nn


def build_model():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(,
    )
