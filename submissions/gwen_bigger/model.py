"""My own design: LeNet with more filters, batch norm and a bit of dropout."""

from torch import nn


def block(c_in, c_out, padding):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 5, padding=padding, bias=False),  # batch norm has its own bias
        nn.MaxPool2d(2),  # pool first, then there is less to normalise
        nn.BatchNorm2d(c_out),
        nn.ReLU(),
    )


class GwenNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(block(1, 8, 2), block(8, 24, 0))  # 28 -> 14 -> 5
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.25),
            nn.Linear(24 * 5 * 5, 160),
            nn.ReLU(),
            nn.Linear(160, 10),
        )

    def forward(self, x):
        return self.head(self.features(x))


def build_model():
    return GwenNet()
