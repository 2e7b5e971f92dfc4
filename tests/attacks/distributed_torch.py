"""Starts PyTorch's own server for jobs on several machines."""

from datetime import timedelta

import field
import torch
import torch.distributed

ATTACK = {"limits": {"wall_seconds": 6}}

field.attempt(
    "store",
    lambda: torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, timeout=timedelta(seconds=2)).port,
)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
