"""Hands in a model of a hundred thousand operations."""

import field
import torch

ATTACK = {"judge": "stopped", "limits": {"wall_seconds": 2}, "control": {"wall_seconds": 2}}


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(784, 10)

    def forward(self, x):
        x = self.layer(x.flatten(1))
        for _ in range(100_000):
            x = x + 1
        return x


def build_model():
    return Model()
