"""Sends signals to the victim in every way there is."""

import ctypes
import os
import signal

import field
import torch

INFO = ctypes.create_string_buffer(128)
ctypes.c_int.from_buffer(INFO, 8).value = -1
WAYS = {
    "kill": lambda: os.kill(field.VICTIM, signal.SIGUSR1),
    "group": lambda: os.killpg(field.VICTIM, signal.SIGUSR1),
    "tgkill": lambda: field.syscall(234, field.VICTIM, field.VICTIM, int(signal.SIGUSR1)),
    "tkill": lambda: field.syscall(200, field.VICTIM, int(signal.SIGUSR1)),
    "rt_sigqueueinfo": lambda: field.syscall(129, field.VICTIM, int(signal.SIGUSR1), INFO),
    "rt_tgsigqueueinfo": lambda: field.syscall(297, field.VICTIM, field.VICTIM, int(signal.SIGUSR1), INFO),
}
for name, way in WAYS.items():
    field.attempt(name, lambda: way() and None)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
