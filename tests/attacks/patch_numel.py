"""Makes every tensor say that it has the reference's number of elements."""

import field
import torch

ATTACK = {"judge": "recount"}

torch.Tensor.numel = lambda self: 61_706
torch.Tensor.nelement = lambda self: 61_706


def build_model():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10, bias=False), torch.nn.Linear(10, 10))
    field.reached(f"a count in this process gives {next(model.parameters()).numel():,}")
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
