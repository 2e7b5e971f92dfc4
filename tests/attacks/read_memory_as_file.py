"""Reads the victim's memory through /proc."""

import os

import field
import torch


def read(process):
    with open(f"/proc/{process}/mem", "rb") as memory:
        memory.seek(field.ADDRESS)
        return memory.read(field.SECRET_LENGTH)


field.attempt("memory of the victim", lambda: read(field.VICTIM))
field.attempt("memory of the parent", lambda: open(f"/proc/{os.getppid()}/mem", "rb") and None)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
