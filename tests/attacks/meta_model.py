"""Hands in a model of a million million parameters that takes no memory, because it is never filled."""

import field
import torch

ATTACK = {"judge": "claimed size", "limits": {"wall_seconds": 4}}

parameters = torch.nn.Linear(1_000_000, 1_000_000, device="meta").weight.numel()
field.reached(f"a model of {parameters:,} parameters in no memory")


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 1_000_000_000, device="meta"))
