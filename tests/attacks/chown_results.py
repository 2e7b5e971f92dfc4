"""Gives the results file to another user."""

import os

import field
import torch

ATTACK = {"needs": "root"}

try:
    os.chown(field.RESULTS, 12345, 12345)
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
