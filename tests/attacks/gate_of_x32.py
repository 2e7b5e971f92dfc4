"""Calls the kernel by the numbers of its x32 programs, which a list of numbers may miss."""

import os

import field
import torch

ATTACK = {"judge": "gate"}

before = os.getpid()
field.attempt("getpid", lambda: field.syscall(0x40000000 + 39))
field.reached("still here")


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
