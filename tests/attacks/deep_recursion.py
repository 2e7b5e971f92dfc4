"""Recurses without end, with Python's own limit lifted."""

import sys

import field
import torch

ATTACK = {"judge": "stopped", "limits": {"memory": 500_000_000, "wall_seconds": 3}, "control": {"wall_seconds": 2, "memory": 1_200_000_000}}

sys.setrecursionlimit(10**9)


def fall(depth):
    return fall(depth + 1) + 1


fall(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
