"""Runs a program through a shell."""

import os

import field
import torch

os.system(f": > {field.MARKS}/shell")


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
