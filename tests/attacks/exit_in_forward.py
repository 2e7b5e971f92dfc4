"""Ends the process with exit code 0 when its model is run."""

import os

import field
import torch

ATTACK = {"judge": "exit code"}


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(784, 10)

    def forward(self, x):
        os._exit(0)


def build_model():
    return Model()
