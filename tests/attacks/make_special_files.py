"""Makes folders, pipes and sockets that a grader may stumble over."""

import os
import socket

import field
import torch

for make in (
    lambda: os.mkdir(field.MARKS + "/folder"),
    lambda: os.mkfifo(field.MARKS + "/pipe"),
    lambda: socket.socket(socket.AF_UNIX).bind(field.MARKS + "/socket"),
):
    try:
        make()
    except OSError as error:
        print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
