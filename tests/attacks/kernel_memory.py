"""Tries the rarer ways to have memory: secret memory, files in memory, locked memory, moved pages."""

import field
import torch

field.probe(
    {
        "memfd_create": (319, b"attack", 0),
        "memfd_secret": (447, 0),
        "mlockall": (151, 0xFFFF),
        "mlock2": (325, 0, 0, 0),
        "pkey_alloc": (330, 0, 0),
        "remap_file_pages": (216, 0, 0, 0, 0, 0),
        "vmsplice": (278, -1, None, 0, 0),
        "splice": (275, -1, None, -1, None, 1, 0),
        "map_shadow_stack": (453, 0, 4096, 0xFFFF),
    }
)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
