"""Leaves a process behind, in a session of its own, that writes after the build has ended."""

import os
import time

import field
import torch

ATTACK = {"wait": 1.2}


def leave():
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, 64)
    time.sleep(0.8)
    field.touch("survivor")
    os._exit(0)


try:
    leave()
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
