"""A dense layer whose 490 weights are a Python list inside of forward."""

import torch
from torch import nn

WEIGHTS = [[((7 * row + 3 * column) % 13 - 6) / 10 for column in range(10)] for row in range(49)]


class Literals(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(4)
        self.dense = nn.Linear(10, 10)

    def forward(self, x):
        return self.dense(self.pool(x).flatten(1) @ torch.tensor(WEIGHTS))
