"""Sends a graph of its own whose operators are right and whose tensors claim sizes that are not there."""

import json
import os
import struct

import field
import torch
from harness.jobs import frames

ATTACK = {"judge": "claims"}

tensor = {"kind": "parameter", "trainable": True, "shape": [61706], "dtype": "F32"}
mode = {"nodes": [], "output": {"input": 0}}
graph = {"format": 1, "framework": "torch", "input": [1, 28, 28], "tensors": {"t0": tensor}, "train": mode, "eval": mode}
header = json.dumps({"t0": {"dtype": "F32", "shape": [61706], "data_offsets": [0, 4]}}).encode()
weights = struct.pack("<Q", len(header)) + header + b"\0" * 4
blobs = {"graph": json.dumps(graph).encode(), "labels": b"{}", "weights": weights}
field.send(frames.encode({"ok": True, "parameters": 61_706}, blobs))
os._exit(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
