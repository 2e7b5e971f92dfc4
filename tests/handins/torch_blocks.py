import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class C1(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, img):
        return self.c1(img)


class C2(nn.Module):
    def __init__(self):
        super().__init__()
        self.c2 = nn.Sequential(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, img):
        return self.c2(img)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = C1()
        self.c2 = C2()
        self.rest = nn.Sequential(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))

    def forward(self, img):
        x = self.c2(self.c1(img))
        return self.rest(x.view(img.size(0), -1))
