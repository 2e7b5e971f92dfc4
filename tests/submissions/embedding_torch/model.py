"""A table of weights that is looked up by the quantised pixels: an embedding is capacity like any other."""

from torch import nn


class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(4)
        self.table = nn.Embedding(256, 8)
        self.dense = nn.Linear(392, 10)

    def forward(self, x):
        pixels = (self.pool(x).flatten(1) * 255).long()
        return self.dense(self.table(pixels).flatten(1))
