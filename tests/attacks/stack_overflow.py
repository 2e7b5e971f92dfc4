"""Overflows the stack below Python."""

import sys

import field
import torch

ATTACK = {"judge": "crash", "limits": {"wall_seconds": 6}}

sys.setrecursionlimit(10**9)
nested = []
for _ in range(300_000):
    nested = [nested]
repr(nested)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
