"""Ends itself by SIGKILL, as if the harness had done it."""

import os
import signal

import field
import torch

ATTACK = {"judge": "crash"}

os.kill(os.getpid(), signal.SIGKILL)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
