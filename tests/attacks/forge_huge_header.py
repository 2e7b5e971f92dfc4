"""Sends a result that says its header is four billion bytes long."""

import os

import field
import torch

ATTACK = {"judge": "truncated"}

field.send(b"LNF1\xff\xff\xff\xff{}")
os._exit(0)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
