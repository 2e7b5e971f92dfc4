"""Makes a pair of sockets, which would let it pass descriptors on."""

import socket

import field
import torch

field.attempt("pair", lambda: socket.socketpair() and None)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
