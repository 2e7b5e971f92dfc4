"""Between NumPy's arrays and PyTorch's tensors, in float64."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch

from harness.backends.base import Array, Arrays


def tensors_of(weights: Arrays, trainable: Collection[str]) -> dict[str, torch.Tensor]:
    """Copies as tensors, of which the trainable ones get gradients."""
    return {name: torch.from_numpy(array.copy()).requires_grad_(name in trainable) for name, array in weights.items()}


def arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, Array]:
    """Tensors as arrays."""
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}


def gradients(
    outputs: torch.Tensor, trainable: Mapping[str, torch.Tensor], direction: Array | None
) -> dict[str, Array]:
    """Those of sum(outputs * direction) by tensor; without a direction, none."""
    if direction is None:
        return {}
    if not outputs.requires_grad:
        return arrays({name: torch.zeros_like(tensor) for name, tensor in trainable.items()})
    total = (outputs * torch.from_numpy(direction)).sum()
    found = torch.autograd.grad(total, list(trainable.values()), allow_unused=True, materialize_grads=True)
    return arrays(dict(zip(trainable, found, strict=True)))
