"""Reads the environment of the grader, where secrets may be."""

import os

import field
import torch

field.attempt("victim's environment", lambda: open(f"/proc/{field.VICTIM}/environ").read())
field.attempt("parent's environment", lambda: len(open(f"/proc/{os.getppid()}/environ").read()))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
