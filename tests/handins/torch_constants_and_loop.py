import torch
from torch import nn
from torchvision import datasets, transforms

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
train_loader = torch.utils.data.DataLoader(
    datasets.MNIST("./data", train=True, download=True, transform=transform), batch_size=64, shuffle=True
)

WIDTHS = [400, 120, 84]
layers = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
layers.append(nn.Flatten())
for a, b in zip(WIDTHS, WIDTHS[1:]):
    layers += [nn.Linear(a, b), nn.ReLU()]
layers.append(nn.Linear(WIDTHS[-1], 10))
model = nn.Sequential(*layers)
optimizer = torch.optim.Adam(model.parameters())
for x, y in train_loader:
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
