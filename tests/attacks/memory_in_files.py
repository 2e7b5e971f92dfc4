"""Takes memory as files that live in memory: memfd_create, and /dev/shm."""

import os

import field
import torch

ATTACK = {"limits": {"memory": 400_000_000, "wall_seconds": 8}}
PATH = f"/dev/shm/{field.MARK}"


def fill(file):
    block = b"x" * (1 << 20)
    for _ in range(200):
        os.write(file, block)
    os.close(file)
    return "200 MiB"


def shared_folder():
    file = os.open(PATH, os.O_WRONLY | os.O_CREAT)
    os.unlink(PATH)
    return fill(file)


field.attempt("memfd", lambda: fill(os.memfd_create("attack")))
field.attempt("/dev/shm", shared_folder)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
