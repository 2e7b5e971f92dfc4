"""LeNet-5 the way LeCun drew it: tanh everywhere and average pooling."""

import torch
import torch.nn as nn
import torch.nn.functional as F

# my sums, by hand
PARAMETERS = {"conv1": 156, "conv2": 2_416, "fc1": 48_120, "fc2": 10_164, "fc3": 850, "total": 61_706}


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        # MNIST is 28x28 but the paper wants 32x32, padding=2 makes up for it
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)  # -> 6 x 14 x 14
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), 2)  # -> 16 x 5 x 5
        x = torch.flatten(x, 1)
        x = torch.tanh(self.fc1(x))
        x = torch.tanh(self.fc2(x))
        return self.fc3(x)  # logits, CrossEntropyLoss does the softmax
