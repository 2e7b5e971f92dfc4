"""Sleeps forever, which takes no processor time."""

import time

import field
import torch

ATTACK = {"judge": "endless", "limits": {"wall_seconds": 1}, "control": {"wall_seconds": 1.5}, "ended_by": ("time",)}

time.sleep(10**6)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
