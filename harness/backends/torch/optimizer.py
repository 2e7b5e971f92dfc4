"""Optimizer steps through PyTorch's fused kernels.

torch.optim calls the same kernels, but its first use imports torch's compiler, 2.5 seconds in every forked run. A test
checks that the steps are bit-identical to torch.optim's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from harness.jobs.train import Optimizer


class FusedOptimizer:
    """Adam (Kingma and Ba 2015, algorithm 1) or SGD with momentum, on parameters that have a gradient."""

    def __init__(self, parameters: Sequence[torch.nn.Parameter], chosen: Optimizer) -> None:
        self._parameters = list(parameters)
        self._chosen = chosen
        self._momenta = [torch.zeros_like(p) for p in self._parameters]
        self._squares = [torch.zeros_like(p) for p in self._parameters]
        self._steps = [torch.zeros(()) for _ in self._parameters]

    def clear(self) -> None:
        """Forget all gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, share: float = 1.0) -> None:
        """Update every parameter that has a gradient, at this share of the learning rate."""
        rate = self._chosen.learning_rate * share
        active = [index for index, parameter in enumerate(self._parameters) if parameter.grad is not None]
        if active and self._chosen.name == "sgd":
            self._sgd(active, rate)
        elif active:
            self._adam(active, rate)

    def _adam(self, active: list[int], rate: float) -> None:
        steps = [self._steps[index].add_(1) for index in active]
        torch._fused_adam_(
            *self._pick(active, self._momenta, self._squares),
            [],
            steps,
            lr=rate,
            beta1=self._chosen.beta_1,
            beta2=self._chosen.beta_2,
            eps=self._chosen.epsilon,
            weight_decay=0.0,
            amsgrad=False,
            maximize=False,
        )

    def _sgd(self, active: list[int], rate: float) -> None:
        momenta = [self._momenta] if self._chosen.momentum else []
        torch._fused_sgd_(
            *self._pick(active, *momenta),
            *([[]] if not momenta else []),
            lr=rate,
            momentum=self._chosen.momentum,
            weight_decay=0.0,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,  # the momenta start as zeros, so the first step needs no case of its own
        )

    def _pick(self, active: list[int], *states: list[torch.Tensor]) -> list[list[Any]]:
        """Parameters, gradients and states of the active parameters."""
        gradients = [p.grad for p in self._parameters]
        lists: tuple[list[Any], ...] = (self._parameters, gradients, *states)
        return [[values[index] for index in active] for values in lists]
