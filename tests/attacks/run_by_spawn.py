"""Runs a program with posix_spawn."""

import os

import field
import torch


def spawn():
    os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", f": > {field.MARKS}/spawned"], {}), 0)


try:
    spawn()
except OSError as error:
    print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
