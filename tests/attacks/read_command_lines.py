"""Reads the command lines, names and states of other processes."""

import os

import field
import torch

for process in (field.VICTIM, os.getppid()):
    for name in ("cmdline", "comm", "stat", "status", "io", "maps", "wchan", "limits", "mountinfo"):
        field.attempt(f"{name} of another", lambda: open(f"/proc/{process}/{name}").read(30))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
