"""LeNet-5 without ready-made layers. I wanted to see every weight myself."""

import torch
import torch.nn.functional as F
from torch import nn


def weight(*shape):
    """He initialisation: the variance is 2 / (inputs of one neuron)."""
    return nn.Parameter(nn.init.kaiming_normal_(torch.empty(*shape), nonlinearity="relu"))


def bias(n):
    return nn.Parameter(torch.zeros(n))


class FunctionalLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.b1 = weight(6, 1, 5, 5), bias(6)
        self.w3, self.b3 = weight(16, 6, 5, 5), bias(16)
        self.w5, self.b5 = weight(120, 400), bias(120)
        self.w6, self.b6 = weight(84, 120), bias(84)
        self.w7, self.b7 = weight(10, 84), bias(10)

    def forward(self, x):
        x = F.relu(F.conv2d(x, self.w1, self.b1, padding=2))
        x = F.max_pool2d(x, 2)
        x = F.relu(F.conv2d(x, self.w3, self.b3))
        x = F.max_pool2d(x, 2)
        x = x.view(x.size(0), -1)
        x = F.relu(F.linear(x, self.w5, self.b5))
        x = F.relu(F.linear(x, self.w6, self.b6))
        return F.linear(x, self.w7, self.b7)


def build_model():
    return FunctionalLeNet()
