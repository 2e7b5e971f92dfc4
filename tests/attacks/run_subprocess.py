"""Runs a program with the standard library's subprocess, which starts it in vfork's way."""

import subprocess

import field
import torch

field.attempt("program", lambda: subprocess.check_output(["/bin/echo", "hello"]))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
