"""Empties the results file."""

import os

import field
import torch

for attempt in (lambda: open(field.RESULTS, "w").close(), lambda: os.truncate(field.RESULTS, 0)):
    try:
        attempt()
    except OSError as error:
        print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
