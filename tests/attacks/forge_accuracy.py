"""Sends a result of its own that claims an accuracy of 1 and the right number of parameters, and ends."""

import os

import field
import torch
from harness.jobs import frames

ATTACK = {"judge": "claims"}

claims = {"ok": True, "accuracy": 1.0, "parameters": 61_706, "matches_reference": True, "entry": "build_model()"}
field.send(frames.encode(claims, {"graph": b"{}", "labels": b"{}", "weights": b""}))
os._exit(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
