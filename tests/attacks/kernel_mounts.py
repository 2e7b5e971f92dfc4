"""Tries every call that changes what is mounted where, with arguments that change nothing."""

import field
import torch

NOWHERE = b"/nonexistent/place"
field.probe(
    {
        "mount": (165, b"none", NOWHERE, b"tmpfs", 0, None),
        "umount2": (166, NOWHERE, 0),
        "pivot_root": (155, NOWHERE, NOWHERE),
        "chroot": (161, NOWHERE),
        "open_tree": (428, -100, b"/", 0),
        "move_mount": (429, -1, NOWHERE, -1, NOWHERE, 0),
        "fsopen": (430, b"tmpfs", 0),
        "fsconfig": (431, -1, 0, None, None, 0),
        "fspick": (433, -100, NOWHERE, 0),
        "mount_setattr": (442, -1, NOWHERE, 0, None, 0),
        "statmount": (457, None, None, 0, 0),
        "listmount": (458, None, None, 0, 0),
        "quotactl": (179, 0xFFFF, None, 0, None),
        "swapon": (167, NOWHERE, 0),
        "acct": (163, NOWHERE),
    }
)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
