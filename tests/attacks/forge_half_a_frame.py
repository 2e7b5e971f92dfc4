"""Sends half of a result and ends well."""

import os

import field
import torch
from harness.jobs import frames

ATTACK = {"judge": "truncated"}

frame = frames.encode({"ok": True}, {"graph": b"{}" * 1000, "labels": b"{}", "weights": b""})
field.send(frame[: len(frame) // 2])
os._exit(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
