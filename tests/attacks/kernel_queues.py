"""Tries the queues, semaphores and shared memory that processes meet at by a number."""

import field
import torch

NAME = b"attack-queue-that-nobody-has"
field.probe(
    {
        "mq_open": (240, NAME, 0, 0, None),
        "mq_unlink": (241, NAME),
        "msgget": (68, 0x41747461, 0),
        "semget": (64, 0x41747461, 1, 0),
        "shmget": (29, 0x41747461, 1, 0),
        "msgctl": (71, -1, 2, None),
        "shmctl": (31, -1, 2, None),
    }
)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
