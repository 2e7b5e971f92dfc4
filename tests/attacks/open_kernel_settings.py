"""Opens settings of the kernel, and devices, for writing."""

import os

import field
import torch

ATTACK = {"needs": "root"}

for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/dev/kmsg", "/proc/sys/vm/drop_caches"):
    field.attempt(path, lambda: os.close(os.open(path, os.O_WRONLY)))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
