"""Sets the date of the results file back."""

import os

import field
import torch

try:
    os.utime(field.RESULTS, (1, 1))
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
