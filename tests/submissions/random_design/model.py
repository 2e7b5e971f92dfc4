"""Chooses the width of a layer at random, so that no two builds are the same model."""

import random

from torch import nn


def build_model():
    width = random.randint(50, 5000)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))
