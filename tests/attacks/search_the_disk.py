"""Walks through folders in search of labels."""

import os

import field
import torch

for folder, _, files in os.walk(field.PLACE):
    field.reached(f"{folder} holds {files}")


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
