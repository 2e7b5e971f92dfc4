"""Asks for the size of the test labels without opening them."""

import os

import field
import torch

ATTACK = {
    "allowed": {
        "no-namespaces": "Landlock does not restrict stat(): size and date of a file whose path is known can be seen."
    }
}

field.attempt("size of the labels", lambda: os.stat(field.LABELS).st_size)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
