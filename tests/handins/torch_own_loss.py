import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torchvision import datasets, transforms
class MLP(nn.Module):
    def __init__(self, hidden=100):
        super().__init__()
        self.fc1 = nn.Linear(784, hidden)
        self.fc2 = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x.view(-1, 784))))

class LabelSmoothing(nn.Module):
    def forward(self, x, y):
        return F.cross_entropy(x, y)

net = MLP()
criterion = LabelSmoothing()
params = list(net.parameters())
opt = optim.SGD(params, lr=0.1)
for x, y in torch.utils.data.DataLoader(datasets.MNIST('data', download=True), batch_size=64):
    opt.zero_grad(); loss = criterion(net(x), y); loss.backward(); opt.step()
