import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(784, 100)
        self.b = nn.Linear(100, 10)
    def forward(self, x):
        return self.b(self.a(x.flatten(1)))
def train(m):
    m(0).backward()
for i in range(3):
    model = Net()
    model.a = nn.Linear(784, 50)
    model.b = nn.Linear(50, 10)
    train(model)
