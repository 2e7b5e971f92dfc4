"""Fills the disk with one file (200 MiB here)."""

import os
import tempfile

import field
import torch


def fill():
    with tempfile.TemporaryFile() as file:
        for _ in range(200):
            file.write(b"x" * (1 << 20))
        file.flush()
        return f"{os.fstat(file.fileno()).st_size >> 20} MiB"


field.attempt("one file", fill)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
