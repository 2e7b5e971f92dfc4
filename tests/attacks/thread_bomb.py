"""Starts threads without limit (six hundred here)."""

import threading
import time

import field
import torch

ATTACK = {"judge": "ended", "ended_by": ("threads", "nothing"), "limits": {"threads": 64}}

threading.stack_size(65536)
stop = threading.Event()
started = 0
try:
    while started < 600:
        threading.Thread(target=stop.wait, daemon=True).start()
        started += 1
except BaseException as error:
    print(type(error))
time.sleep(0.3)
if started > 500:
    field.reached(f"{started} threads")
stop.set()


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
