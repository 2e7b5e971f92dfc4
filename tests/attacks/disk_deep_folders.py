"""Nests folders deeper than a program that cleans up can follow (3,000 here)."""

import os
import tempfile

import field
import torch

ATTACK = {"control": {"wall_seconds": 120.0}}


def nest(depth):
    os.chdir(tempfile.mkdtemp())
    made = 0
    try:
        while made < depth:
            os.mkdir("d")
            os.chdir("d")
            made += 1
    except OSError as error:
        print(error)
    for _ in range(made):
        os.chdir("..")
        os.rmdir("d")
    here = os.getcwd()
    os.chdir("/")
    os.rmdir(here)
    return f"{made} folders deep" if made > 2000 else False


field.attempt("nested folders", lambda: nest(3000))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
