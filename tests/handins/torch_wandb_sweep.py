import wandb, torch
from torch import nn
sweep_config = {'method': 'random', 'parameters': {'hidden': {'values': [64, 128]}}}
sweep_id = wandb.sweep(sweep_config, project="mnist")
def build():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, wandb.config.hidden), nn.ReLU(), nn.Linear(wandb.config.hidden, 10))
def train(config=None):
    with wandb.init(config=config):
        net = build()
wandb.agent(sweep_id, train, count=5)
