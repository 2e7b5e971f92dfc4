"""Takes memory without limit (900 MiB here)."""

import field
import torch

ATTACK = {"limits": {"memory": 500_000_000, "wall_seconds": 8}}

taken = []
while len(taken) < 900:
    taken.append(bytearray(b"x" * (1 << 20)))
field.reached(f"{len(taken)} MiB")
del taken


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
