"""Prints without limit (48 MiB here)."""

import os

import field
import torch

ATTACK = {"judge": "flood", "limits": {"output": 4_000_000, "wall_seconds": 8}, "ended_by": ("output",)}

for _ in range(48):
    print("x" * (1 << 20), flush=True)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
