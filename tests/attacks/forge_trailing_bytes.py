"""Sends bytes behind a complete result."""

import os

import field
import torch
from harness.jobs import frames

ATTACK = {"judge": "claims"}

blobs = {"graph": b"{}", "labels": b"{}", "weights": b""}
field.send(frames.encode({"ok": True, "accuracy": 1.0}, blobs) + b"and more")
os._exit(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
