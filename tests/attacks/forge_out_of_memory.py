"""Says that the machine had no memory left."""

import os

import field
import torch
from harness.jobs import frames

ATTACK = {"judge": "claims"}

field.send(frames.encode({"ok": False, "out_of_memory": True}, {}))
os._exit(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
