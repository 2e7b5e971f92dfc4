"""Ines, assignment 1: my LeNet5 from the 1998 paper."""

import torch
from torch import nn
from torch.nn.functional import avg_pool2d


class DigitNet(nn.Module):
    """Two convolutions that look for strokes, three dense layers that decide."""

    def __init__(self, classes=10):
        super().__init__()
        self.strokes = nn.Conv2d(in_channels=1, out_channels=6, kernel_size=5, padding=2)
        self.shapes = nn.Conv2d(in_channels=6, out_channels=16, kernel_size=5)
        self.hidden_a = nn.Linear(400, 120)
        self.hidden_b = nn.Linear(120, 84)
        self.digits = nn.Linear(84, classes)

    def forward(self, image):
        maps = avg_pool2d(torch.tanh(self.strokes(image)), 2)
        maps = avg_pool2d(torch.tanh(self.shapes(maps)), 2)
        flat = torch.flatten(maps, 1)
        flat = torch.tanh(self.hidden_a(flat))
        flat = torch.tanh(self.hidden_b(flat))
        return self.digits(flat)


def build_model():
    return DigitNet()
