"""Tries the kernel's store of keys, which outlives a process."""

import field
import torch

field.probe(
    {"add_key": (248, b"user", b"attack", b"v", 1, -1), "request_key": (249, None, None, None, 0), "keyctl": (250, 0, -3, 0)}
)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
