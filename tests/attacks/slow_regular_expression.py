"""Searches with a regular expression that takes forever and lets no other thread run."""

import re

import field
import torch

ATTACK = {"judge": "endless", "limits": {"wall_seconds": 1}, "control": {"wall_seconds": 1.5}, "ended_by": ("time",)}

re.match(r"(a+)+$", "a" * 60 + "b")


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
