"""LeNet-5 in PyTorch, as the reference row of every board trains it."""

import torch
from torch import nn


class LeNet5(nn.Module):
    """Images (batch, 1, 28, 28) to logits (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5, padding=2)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.c5 = nn.Linear(400, 120)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = nn.functional.max_pool2d(self.c1(images).relu(), 2)
        maps = nn.functional.max_pool2d(self.c3(maps).relu(), 2)
        features = self.c5(maps.flatten(1)).relu()
        return self.output(self.f6(features).relu())


def build_model() -> nn.Module:
    return LeNet5()
