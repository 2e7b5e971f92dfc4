"""LeNet-5 whose first layer always starts from the same weights; those of the other layers depend on the seed."""

import torch
from torch import nn


def build_model():
    first = nn.Conv2d(1, 6, 5, padding=2)
    nn.init.zeros_(first.bias)
    with torch.no_grad():
        first.weight.copy_(torch.linspace(-0.2, 0.2, 150).view(6, 1, 5, 5))
    return nn.Sequential(
        first,
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
