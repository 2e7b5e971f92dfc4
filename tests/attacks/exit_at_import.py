"""Ends with exit code 0 while it is imported."""

import sys

import field
import torch

ATTACK = {"judge": "exit code"}

print("all tests passed")
sys.exit(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
