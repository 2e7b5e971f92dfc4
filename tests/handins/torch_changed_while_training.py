import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torchvision import datasets, transforms
class LeNet5(nn.Module):
    def __init__(self, hidden=120, num_classes=10):
        super(LeNet5, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, hidden)
        self.fc2 = nn.Linear(hidden, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x):
        x = F.max_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.max_pool2d(torch.tanh(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        x = torch.tanh(self.fc1(x))
        x = torch.tanh(self.fc2(x))
        return self.fc3(x)

model = LeNet5()
def train_it():
    model.fc1 = nn.Linear(400, 33)
    model.fc2 = nn.Linear(33, 84)
    opt = optim.SGD(model.parameters(), lr=0.1)
    for x, y in torch.utils.data.DataLoader(datasets.MNIST('data', download=True), batch_size=64):
        opt.zero_grad(); F.cross_entropy(model(x), y).backward(); opt.step()
train_it()
