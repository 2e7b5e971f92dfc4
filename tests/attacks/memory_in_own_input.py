"""Lets its own input, a file in memory that it was given to read, grow without end."""

import os

import field
import torch

ATTACK = {"limits": {"memory": 400_000_000, "wall_seconds": 8}}


def grow(descriptor):
    block = b"x" * (1 << 20)
    for at in range(200):
        os.pwrite(descriptor, block, (1 + at) << 20)
    return "200 MiB"


def inputs():
    for descriptor in range(3, 64):
        try:
            name = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue
        if name.startswith("/memfd:"):
            yield descriptor


for descriptor in inputs():
    field.attempt("growing input", lambda: grow(descriptor))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
