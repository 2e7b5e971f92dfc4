"""Fills the disk with many files of one MiB (100 here)."""

import os
import tempfile

import field
import torch


def fill(folder):
    written = 0
    try:
        for number in range(100):
            with open(f"{folder}/{number}", "wb") as file:
                written += file.write(b"x" * (1 << 20))
    except OSError as error:
        print(error)
    return f"{written >> 20} MiB" if written > 64 << 20 else False


def go():
    with tempfile.TemporaryDirectory() as folder:
        return fill(folder)


field.attempt("many files", go)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
