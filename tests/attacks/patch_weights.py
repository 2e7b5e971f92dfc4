"""Swaps the weights on their way out for others of the reference's number."""

import json
import struct

import field
import torch
from harness.jobs import frames

ATTACK = {"judge": "weights"}

header = json.dumps({"t0": {"dtype": "F32", "shape": [61706], "data_offsets": [0, 4 * 61706]}}).encode()
fake = struct.pack("<Q", len(header)) + header + bytes(4 * 61706)
real = frames.encode
frames.encode = lambda header, blobs: real(header, {**blobs, "weights/0": fake} if "weights/0" in blobs else blobs)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
