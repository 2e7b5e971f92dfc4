"""Hands in a model of a billion parameters."""

import field
import torch

ATTACK = {"judge": "stopped", "limits": {"memory": 500_000_000, "wall_seconds": 4}, "control": {"wall_seconds": 3, "memory": 1_200_000_000}}


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 1_300_000), torch.nn.Linear(1_300_000, 10))
