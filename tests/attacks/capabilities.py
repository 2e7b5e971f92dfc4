"""Looks for powers that were left to it: capabilities, and programs that would give it some."""

import os
import re

import field
import torch


def powers():
    text = open("/proc/self/status").read()
    return re.search(r"CapEff:\s*0*([1-9a-f][0-9a-f]*)", text)[1]


ATTACK = {"needs": "root"}
field.attempt("capabilities", powers)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
