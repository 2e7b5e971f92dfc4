"""Has the kernel send the victim a signal whenever a pipe can be read."""

import fcntl
import os
import signal

import field
import torch

F_SETSIG, O_ASYNC = 10, 0o20000


def order():
    readable, writable = os.pipe()
    fcntl.fcntl(readable, fcntl.F_SETOWN, field.VICTIM)
    fcntl.fcntl(readable, F_SETSIG, int(signal.SIGUSR1))
    fcntl.fcntl(readable, fcntl.F_SETFL, O_ASYNC)
    os.write(writable, b"x")


field.attempt("signal by a pipe", order)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
