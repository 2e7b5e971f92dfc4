"""LeNet-5 with PARAMETERS that fight back when they are read."""

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential()
        self.features.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.features.conv2 = nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(self.features.conv1(x).relu())
        x = self.pool(self.features.conv2(x).relu()).flatten(1)
        return self.fc3(self.fc2(self.fc1(x).relu()).relu())


class Evil(dict):
    """A dict whose every method raises or ends the program."""

    def __iter__(self):
        raise SystemExit("iterated")

    def __len__(self):
        raise KeyboardInterrupt("counted")

    items = keys = values = __getitem__ = __contains__ = __iter__


class Number(int):
    """A number that is another one whenever somebody looks."""

    def __index__(self):
        return 48_120

    def __abs__(self):
        raise SystemExit("measured")

    __int__ = __str__ = __repr__ = __eq__ = __lt__ = __ge__ = __hash__ = __abs__


class Name(str):
    """A name that is no plain text."""

    def __getitem__(self, key):
        raise SystemExit("cut")

    __str__ = __repr__ = __getitem__


class Index:
    """A number only when asked, and then not."""

    def __index__(self):
        raise SystemExit("asked")


deep = []
for _ in range(100_000):
    deep = [deep]

PARAMETERS = Evil({"conv1": 156, "fc1": Number(5), Name("fc2"): 10_164, "fc3": deep, "\x1b[31mfc4\u202e" * 90: 1, "total": Index()})
