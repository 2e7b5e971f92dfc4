"""LeNet-5 that is started from the operating system's random numbers, which no seed repeats."""

import os

import torch
from torch import nn


def build_model():
    torch.manual_seed(int.from_bytes(os.urandom(7), "big"))
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Tanh(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Tanh(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, 10),
    )
