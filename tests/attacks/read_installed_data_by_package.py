"""Asks the harness's own module for the data set."""

import importlib

import field
import torch


def load():
    module = importlib.import_module("harness.datasets.mnist")
    loaders = [value for name, value in vars(module).items() if callable(value) and "load" in name.lower()]
    return type(loaders[0]()).__name__


field.attempt("data set", load)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
