"""Sends a refusal whose words clear the screen, change the window's title and read backwards."""

import os

import field
import torch
from harness.jobs import frames

ATTACK = {"judge": "rendered"}

words = "\x1b[2J\x1b]0;passed\x07\u202e[bold green]passed[/]\x00"
field.send(frames.encode({"ok": False, "check": words, "expected": words, "found": words, "try": words}, {}))
os._exit(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
