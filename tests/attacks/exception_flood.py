"""Raises an error whose message is 100 MiB long."""

import field
import torch

ATTACK = {"judge": "flood"}

raise ValueError("x" * (100 << 20))  # no model
