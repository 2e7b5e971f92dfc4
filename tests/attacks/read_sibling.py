"""Copies another student's model."""

import os

import field
import torch

field.attempt("model of another student", lambda: open(field.SIBLING).read())
field.attempt("names of all students", lambda: os.listdir(os.path.dirname(os.path.dirname(field.SIBLING))))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
