"""Reads the victim's memory with process_vm_readv."""

import ctypes

import field
import torch


def read():
    text = ctypes.create_string_buffer(field.SECRET_LENGTH)
    here = (ctypes.c_size_t * 2)(ctypes.addressof(text), field.SECRET_LENGTH)
    there = (ctypes.c_size_t * 2)(field.ADDRESS, field.SECRET_LENGTH)
    field.syscall(310, field.VICTIM, here, 1, there, 1, 0)
    return text.value


field.attempt("memory of the victim", read)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
