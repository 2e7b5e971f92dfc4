"""Patches the harness's own audit, verification and score in the process where it runs."""

import harness.artifact.audit
import harness.model.verify

import field
import torch

ATTACK = {"judge": "recount"}

harness.artifact.audit.audit = lambda artifact: None
harness.model.verify.judge = lambda *args, **kwargs: "passed"
field.reached(f"the judge of this process says {harness.model.verify.judge()}")


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
