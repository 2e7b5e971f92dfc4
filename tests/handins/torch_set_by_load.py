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

def train(model, loader, optimizer, epoch):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

loader = torch.utils.data.DataLoader(datasets.MNIST('data', download=True, transform=transforms.ToTensor()), batch_size=64, shuffle=True)

hidden = 20
def load_settings():
    global hidden
    hidden = 44
load_settings()
model = MLP(hidden)
optimizer = optim.SGD(model.parameters(), lr=0.01)
for epoch in range(10):
    train(model, loader, optimizer, epoch)
