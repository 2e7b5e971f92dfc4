"""Sends a signal to the victim through a handle instead of its number."""

import signal

import field
import torch

field.attempt(
    "signal", lambda: field.syscall(424, field.syscall(434, field.VICTIM, 0), int(signal.SIGUSR2), None, 0) and None
)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
