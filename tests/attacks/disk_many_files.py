"""Uses up the disk's list of files with empty ones (5,000 here)."""

import os
import tempfile

import field
import torch


def fill(folder):
    made = 0
    try:
        while made < 5000:
            os.close(os.open(f"{folder}/{made}", os.O_WRONLY | os.O_CREAT))
            made += 1
    except OSError as error:
        print(error)
    return f"{made} files" if made > 2000 else False


def go():
    with tempfile.TemporaryDirectory() as folder:
        return fill(folder)


field.attempt("empty files", go)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
