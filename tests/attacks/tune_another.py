"""Changes the victim's limits, processors and priority, and marks it as the first to go when memory is short."""

import os
import resource

import field
import torch


def score():
    with open(f"/proc/{field.VICTIM}/oom_score_adj", "w") as file:
        file.write("500")


for tune in (
    lambda: os.setpriority(os.PRIO_PROCESS, field.VICTIM, 5),
    lambda: os.sched_setaffinity(field.VICTIM, {max(os.sched_getaffinity(0))}),
    lambda: resource.prlimit(field.VICTIM, resource.RLIMIT_NOFILE, (100, 100)),
    score,
):
    try:
        tune()
    except OSError as error:
        print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
