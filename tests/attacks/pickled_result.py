"""Sends pickles that run a program in whoever unpickles them, in place of graph and weights."""

import os
import pickle

import field
import torch
from harness.jobs import frames

ATTACK = {"judge": "unpickle"}


class Touch:
    def __reduce__(self):
        return os.mkdir, (field.MARKS + "/unpickled",)


bomb = pickle.dumps(Touch())
field.send(frames.encode({"ok": True, "entry": "model"}, {"graph": bomb, "labels": bomb, "weights": bomb}))
os._exit(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
