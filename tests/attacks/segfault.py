"""Reads address 0."""

import ctypes

import field
import torch

ATTACK = {"judge": "crash"}

ctypes.string_at(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
