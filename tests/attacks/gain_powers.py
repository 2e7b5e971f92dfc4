"""Asks whether starting a privileged program would still make it more powerful."""

import field
import torch

field.attempt("new privileges", lambda: field.syscall(157, 39, 0, 0, 0, 0) == 0)
field.attempt("no new privileges can be undone", lambda: field.syscall(157, 4, 1, 0, 0, 0) and None)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
