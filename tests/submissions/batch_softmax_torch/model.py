"""A softmax over the batch instead of over the classes."""

from torch import nn


def build_model():
    return nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(196, 10), nn.Softmax(dim=0))
