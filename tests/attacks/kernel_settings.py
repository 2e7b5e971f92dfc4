"""Tries the calls that set clocks, names and hardware of the whole machine, with arguments that set nothing."""

import ctypes

import field
import torch

ZEROS = ctypes.create_string_buffer(256)
field.probe(
    {
        "settimeofday": (164, None, None),
        "clock_settime": (227, 999, None),
        "clock_adjtime": (305, 999, None),
        "adjtimex": (159, None),
        "sethostname": (170, None, -1),
        "setdomainname": (171, None, -1),
        "iopl": (172, 4),
        "ioperm": (173, 0xFFFFFF, 1, 0),
        "modify_ldt": (154, 0, ZEROS, 8),
        "personality": (135, 0xFFFFFFFF),
        "capset": (126, None, None),
        "setuid": (105, 0xFFFFFFFF),
        "setgroups": (116, 70000, None),
    }
)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
