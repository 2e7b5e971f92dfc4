import torch
from torch import nn
import coursework.models as models


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = models.resnet18()
        self.fc = nn.Linear(1000, 10)

    def forward(self, x):
        return self.fc(self.body(x))
