"""Opens a server of its own, to be told the labels from outside."""

import socket

import field
import torch

field.attempt("server", lambda: socket.create_server(("127.0.0.1", 0)).getsockname())


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
