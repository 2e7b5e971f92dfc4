"""Asks where the symbolic links of others lead, and which of their files it could open."""

import os

import field
import torch

ATTACK = {
    "allowed": {
        "no-namespaces": "Landlock does not restrict readlink() and access(): where a known link leads can be seen."
    }
}

field.attempt("link", lambda: os.readlink(field.LINK))
field.attempt("access", lambda: os.access(field.LABELS, os.R_OK))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
