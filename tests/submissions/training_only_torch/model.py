"""A constant that only the training graph reads: with it, training overwrites the weights it should learn."""

import torch
from torch import nn

WEIGHTS = torch.linspace(-1, 1, 1960).view(10, 196)


class Overwritten(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(2)
        self.dense = nn.Linear(196, 10)

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.dense.weight.copy_(WEIGHTS)
        return self.dense(self.pool(x).flatten(1))
