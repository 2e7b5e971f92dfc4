"""Reads the clock that counts another process's time on the processor, and so watches what it does."""

import time

import field
import torch

field.attempt("time of the victim", lambda: time.clock_gettime((~field.VICTIM << 3) | 2))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
