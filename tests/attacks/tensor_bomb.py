"""Sends weights of four bytes that claim a tensor of 2^40 numbers."""

import json
import os
import struct

import field
import torch
from harness.jobs import frames

ATTACK = {"judge": "parse"}

header = json.dumps({"t0": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4]}}).encode()
weights = struct.pack("<Q", len(header)) + header + b"abcd"
field.send(frames.encode({"ok": True}, {"graph": b"{}", "labels": b"{}", "weights": weights}))
os._exit(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
