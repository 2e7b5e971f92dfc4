"""Ends the process by SIGABRT."""

import os

import field
import torch

ATTACK = {"judge": "crash"}

os.abort()


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
