"""Creates files in a folder that is not its own."""

import os

import field
import torch

field.touch("by_open")
field.attempt("descriptor", lambda: os.mknod(field.MARKS + "/by_mknod"))
torch.save({}, field.MARKS + "/by_torch")


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
