"""Starts processes without limit (forty here)."""

import os
import time

import field
import torch

children = 0
try:
    while children < 40:
        if os.fork() == 0:
            time.sleep(2)
            os._exit(0)
        children += 1
except OSError as error:
    print(error)
if children:
    field.reached(f"{children} processes")


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
