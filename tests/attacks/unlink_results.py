"""Removes the results file."""

import os

import field
import torch

try:
    os.unlink(field.RESULTS)
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
