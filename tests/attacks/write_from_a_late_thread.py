"""Leaves a thread that writes a while after the model is handed over."""

import threading
import time

import field

ATTACK = {"judge": "interpreter", "wait": 0.5}


def late():
    time.sleep(0.4)
    field.touch("late")


threading.Thread(target=late, daemon=False).start()


def build_model():
    import torch

    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
