"""Makes the results file writable foreverybody."""

import os

import field
import torch

try:
    os.chmod(field.RESULTS, 0o666)
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
