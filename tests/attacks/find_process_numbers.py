"""Finds out which processes there are by asking the kernel about each number."""

import os

import field
import torch

QUESTIONS = {
    "group": os.getpgid,
    "session": os.getsid,
    "priority": lambda process: os.getpriority(os.PRIO_PROCESS, process),
    "processors": os.sched_getaffinity,
    "scheduler": os.sched_getscheduler,
    "scheduling": os.sched_getparam,
}
for name, question in QUESTIONS.items():
    field.attempt(name, lambda: str(question(field.VICTIM)))


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
