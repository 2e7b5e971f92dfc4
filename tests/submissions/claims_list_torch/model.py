"""LeNet-5 with PARAMETERS that is no dict."""

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential()
        self.features.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.features.conv2 = nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(self.features.conv1(x).relu())
        x = self.pool(self.features.conv2(x).relu()).flatten(1)
        return self.fc3(self.fc2(self.fc1(x).relu()).relu())


PARAMETERS = [156, 2_416, 48_120, 10_164, 850]
