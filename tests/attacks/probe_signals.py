"""Asks whether the parent, its group, the first process and everyone could be sent signals (it sends none)."""

import os

import field
import torch

for name, process in {"the parent": os.getppid(), "the parent's group": -os.getppid(), "everybody": -1}.items():
    field.attempt(name, lambda: os.kill(process, 0))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
