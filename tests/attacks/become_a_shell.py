"""Becomes another program, which none of the harness's Python code would follow."""

import os

import field
import torch

try:
    os.execv("/bin/sh", ["sh", "-c", f": > {field.MARKS}/became"])
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
