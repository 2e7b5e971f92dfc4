"""Becomes another program through execveat."""

import ctypes
import os

import field
import torch

WORDS = (ctypes.c_char_p * 4)(b"sh", b"-c", f": > {field.MARKS}/became".encode(), None)
for flags, path in ((0, b"/bin/sh"), (0x1000, b"")):
    try:
        place = os.open("/bin/sh", os.O_PATH) if flags else -100
        os.set_inheritable(place, True) if flags else None
        field.syscall(322, place, path, WORDS, None, flags)
    except OSError as error:
        print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
