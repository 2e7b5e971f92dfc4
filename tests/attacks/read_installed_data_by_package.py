"""Asks the harness's own module for the data set."""

import importlib

import field
import torch


def load():
    return type(importlib.import_module("harness.datasets.mnist").load()).__name__


field.attempt("data set", load)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
