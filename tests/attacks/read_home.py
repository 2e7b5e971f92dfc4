"""Looks through the home folder of whoever runs the harness."""

import os

import field
import torch

field.attempt("files at home", lambda: os.listdir(field.HOME))
field.attempt("a key", lambda: open(field.HOME + "/.ssh_key").read())


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
