"""Writes a result without limit (300 MiB here)."""

import field
import torch

ATTACK = {"judge": "result flood", "limits": {"result": 4_000_000, "wall_seconds": 8}, "ended_by": ("result",)}

for _ in range(300):
    field.send(b"x" * (1 << 20))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
