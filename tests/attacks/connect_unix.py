"""Calls a server at a path, as Docker and databases have one."""

import socket

import field
import torch

try:
    socket.socket(socket.AF_UNIX).connect(field.UNIX)
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
