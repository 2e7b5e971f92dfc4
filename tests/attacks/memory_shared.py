"""Takes memory that is shared and no longer counted as resident once it has been let go of."""

import mmap

import field
import torch

ATTACK = {"limits": {"memory": 400_000_000, "wall_seconds": 8}}

kept = []


def take():
    while len(kept) < 20:
        kept.append(mmap.mmap(-1, 32 << 20))
        for at in range(0, 32 << 20, 4096):
            kept[-1][at] = 1
        kept[-1].madvise(mmap.MADV_DONTNEED)
    return f"{len(kept) * 32} MiB"


field.attempt("memory outside of the count", take)
kept.clear()


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
