"""Stops the victim, so that whoever waits for it waits forever."""

import os
import signal

import field
import torch

try:
    os.kill(field.VICTIM, signal.SIGSTOP)
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
