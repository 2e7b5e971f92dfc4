"""Stops itself, so that whoever waits for its end waits forever."""

import os
import signal

import field
import torch

ATTACK = {"judge": "endless", "limits": {"wall_seconds": 1}, "control": {"wall_seconds": 1.5}, "ended_by": ("time",)}

os.kill(os.getpid(), signal.SIGSTOP)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
