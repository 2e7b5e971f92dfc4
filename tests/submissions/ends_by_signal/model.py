"""Ends its own process with a real-time signal, which has no name."""

import os

import torch

os.kill(os.getpid(), 35)
model = torch.nn.Linear(784, 10)
