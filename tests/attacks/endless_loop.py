"""Loops forever."""

import field
import torch

ATTACK = {"judge": "endless", "limits": {"wall_seconds": 1}, "control": {"wall_seconds": 1.5}, "ended_by": ("time",)}

while True:
    pass


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
