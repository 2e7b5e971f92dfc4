"""build_model() raises."""

from torch import nn


def build_model():
    layers = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
    raise ValueError(f"{len(layers)} layers are not enough")
