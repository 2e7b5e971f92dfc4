"""Leaves a file in the harness's own package."""

import field
import torch

try:
    open(f"{field.HARNESS}/{field.MARK}", "w").close()
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
