import wandb, torch
import torch.nn as nn
config = dict(hidden=100, lr=0.1)
run = wandb.init(project='x', config=config)
class Net(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.a = nn.Linear(784, h)
        self.b = nn.Linear(h, 10)
    def forward(self, x):
        return self.b(torch.relu(self.a(x.view(x.size(0), -1))))
model = Net(wandb.config.hidden)
wandb.watch(model)
