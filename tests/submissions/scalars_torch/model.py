"""A product with 490 weights that are written out number by number, so that no tensor holds them."""

import torch
from torch import nn

WEIGHTS = [[((7 * row + 3 * column) % 13 - 6) / 10 for column in range(10)] for row in range(49)]


class Scalars(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(4)
        self.dense = nn.Linear(10, 10)

    def forward(self, x):
        pixels = self.pool(x).flatten(1).unbind(1)
        sums = [sum(pixel * row[k] for pixel, row in zip(pixels, WEIGHTS)) for k in range(10)]
        return self.dense(torch.stack(sums, 1))
