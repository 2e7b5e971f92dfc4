"""Is handed in under a name, and has files and layers, that are terminal commands."""

import field
import torch

ATTACK = {
    "judge": "rendered",
    "handed_in_as": "ada\x1b[2J\x1b[32m\u202e",
    "files": {"part\x1b[2J\u202e.py": '"""\x1b[2J\u202e"""\nNAME = "\\x1b[2J\\u202e"\n'},
}


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.add_module("\x1b[2J\u202epassed", torch.nn.Linear(784, 10))

    def forward(self, x):
        return getattr(self, "\x1b[2J\u202epassed")(x.flatten(1))


Model.__name__ = Model.__qualname__ = "\x1b[2J\u202ePassed"


def build_model():
    return Model()
