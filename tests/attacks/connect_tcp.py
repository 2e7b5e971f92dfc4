"""Calls a TCP server on the same machine."""

import socket

import field
import torch

field.attempt("connection", lambda: socket.create_connection(("127.0.0.1", field.TCP), timeout=1) and None)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
