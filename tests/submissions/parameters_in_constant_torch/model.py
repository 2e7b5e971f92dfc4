"""The weight of C5 is a constant of the forward pass: 48,000 numbers that no list of weights shows."""

import torch
from torch import nn

WEIGHT = torch.randn(400, 120, generator=torch.Generator().manual_seed(5)) / 20


class ConstantLinear(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(120))

    def forward(self, x):
        return x @ WEIGHT + self.bias


def build_model():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        ConstantLinear(),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
