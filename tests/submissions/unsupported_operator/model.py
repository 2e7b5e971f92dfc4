"""Looks at the spectrum of the image instead of its pixels."""

import torch
from torch import nn


class Spectrum(nn.Module):
    def forward(self, x):
        return torch.fft.fft2(x).abs()


def build_model():
    return nn.Sequential(
        Spectrum(),
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
