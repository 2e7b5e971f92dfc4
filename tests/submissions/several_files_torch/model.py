"""The model is put together from layers.py beside it."""

from layers import classifier, features
from torch import nn


def build_model():
    return nn.Sequential(features(), nn.Flatten(), classifier())
