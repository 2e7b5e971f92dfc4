"""Leaves a function that writes when the interpreter ends."""

import atexit

import field

ATTACK = {"judge": "interpreter"}

atexit.register(field.touch, "at_exit")


def build_model():
    import torch

    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
