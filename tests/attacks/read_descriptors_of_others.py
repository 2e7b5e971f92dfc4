"""Opens the files that the victim and the parent hold open: sockets, other jobs' inputs, labels in memory."""

import os

import field
import torch

field.attempt("open file of the victim", lambda: open(f"/proc/{field.VICTIM}/fd/{field.FD}").read())
field.attempt("open files of the parent", lambda: os.listdir(f"/proc/{os.getppid()}/fd"))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
