"""Reads the test labels through a symbolic link and through the links of /proc."""

import os

import field
import torch


def through_a_link():
    link = f"/tmp/{field.MARK}"
    os.symlink(field.LABELS, link)
    try:
        return open(link).read()
    finally:
        os.unlink(link)


field.attempt("symbolic link", through_a_link)
field.attempt("root of this process", lambda: open("/proc/self/root" + field.LABELS).read())
field.attempt("root of the victim", lambda: open(f"/proc/{field.VICTIM}/root{field.LABELS}").read())
field.attempt("root of the parent", lambda: open(f"/proc/{os.getppid()}/root{field.LABELS}").read())


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
