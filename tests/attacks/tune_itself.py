"""Raises its own priority and limits, and asks for real-time scheduling."""

import os
import resource

import field
import torch

ATTACK = {"needs": "root"}

WANTED = resource.RLIM_INFINITY
field.attempt("priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, -5))
field.attempt("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
field.attempt("address space", lambda: resource.setrlimit(resource.RLIMIT_AS, (WANTED, WANTED)))
field.attempt("file size", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (WANTED, WANTED)))
field.attempt("processor time", lambda: resource.setrlimit(resource.RLIMIT_CPU, (WANTED, WANTED)))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
