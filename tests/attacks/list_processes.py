"""Lists all processes of the machine."""

import os

import field
import torch


def others():
    return [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()][:5] or False


field.attempt("other processes", others)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
