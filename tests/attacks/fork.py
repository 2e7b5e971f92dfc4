"""Starts other processes: fork, raw clone, clone3, vfork's way, and multiprocessing."""

import ctypes
import multiprocessing
import os
import signal

import field
import torch


def fork():
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def raw(number, *arguments):
    child = field.syscall(number, *arguments)
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def pool():
    worker = multiprocessing.get_context("fork").Process(target=print, args=("hello",))
    worker.start()
    worker.join()


ARGUMENTS = ctypes.create_string_buffer(88)
ctypes.c_ulong.from_buffer(ARGUMENTS, 32).value = int(signal.SIGCHLD)
field.attempt("fork", fork)
field.attempt("clone", lambda: raw(56, int(signal.SIGCHLD), 0, 0, 0, 0))
field.attempt("clone3", lambda: raw(435, ARGUMENTS, 88))
field.attempt("multiprocessing", pool)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
