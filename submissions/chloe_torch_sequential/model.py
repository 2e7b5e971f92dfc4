"""LeNet-5 as one Sequential (ReLU + max pooling, trains faster than tanh)."""

from collections import OrderedDict

from torch import nn

model = nn.Sequential(
    OrderedDict(
        C1=nn.Conv2d(1, 6, 5, padding="same"),
        act1=nn.ReLU(),
        S2=nn.MaxPool2d(kernel_size=2, stride=2),
        C3=nn.Conv2d(6, 16, 5),
        act3=nn.ReLU(),
        S4=nn.MaxPool2d(kernel_size=2, stride=2),
        flat=nn.Flatten(),
        C5=nn.Linear(16 * 5 * 5, 120),
        act5=nn.ReLU(),
        F6=nn.Linear(120, 84),
        act6=nn.ReLU(),
        out=nn.Linear(84, 10),
    )
)
