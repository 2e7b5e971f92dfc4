"""Sends a graph of two million nested brackets and weights whose header claims 2^60 bytes."""

import os
import struct

import field
import torch
from harness.jobs import frames

ATTACK = {"judge": "parse"}

graph = b"[" * 2_000_000 + b"]" * 2_000_000
field.send(frames.encode({"ok": True}, {"graph": graph, "labels": graph, "weights": struct.pack("<Q", 1 << 60)}))
os._exit(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
