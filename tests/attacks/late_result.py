"""Sends half of a result and then sleeps, so that whoever reads it waits forever."""

import time

import field
import torch

ATTACK = {"judge": "endless", "limits": {"wall_seconds": 1}, "control": {"wall_seconds": 1.5}, "ended_by": ("time",)}

field.send(b"LNF1\xff\xff\x00\x00")
time.sleep(10**6)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
