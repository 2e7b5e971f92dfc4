"""A Sequential, its layers named and added one by one."""

from torch import nn


def build_model():
    model = nn.Sequential()
    model.add_module("c1", nn.Conv2d(1, 6, 5, padding=2))
    model.add_module("relu1", nn.ReLU())
    model.add_module("s2", nn.MaxPool2d(2))
    model.add_module("c3", nn.Conv2d(6, 16, 5))
    model.add_module("relu3", nn.ReLU())
    model.add_module("s4", nn.MaxPool2d(2))
    model.add_module("flatten", nn.Flatten())
    model.add_module("c5", nn.Linear(400, 120))
    model.add_module("relu5", nn.ReLU())
    model.add_module("f6", nn.Linear(120, 84))
    model.add_module("relu6", nn.ReLU())
    model.add_module("output", nn.Linear(84, 10))
    return model
