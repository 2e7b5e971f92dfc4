"""Kills the victim."""

import os
import signal

import field
import torch

ATTACK = {"wait": 0.1}

try:
    os.kill(field.VICTIM, signal.SIGKILL)
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
