"""A convolution over images with their channels last, whose backward pass does not keep to that layout.

oneDNN computes the gradient of the weights twice as fast with channels last, and that of the images twice as fast with
channels first, copies included.
"""

from __future__ import annotations

from typing import Any

import torch

_backward = torch.ops.aten.convolution_backward.default


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *how: Any) -> Any:
        ctx.save_for_backward(images, weight)
        ctx.bias_sizes, ctx.how = None if bias is None else list(bias.shape), how
        return torch.ops.aten.convolution.default(images, weight, bias, *how)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        images, weight = ctx.saved_tensors
        of_images, *of_others = ctx.needs_input_grad[:3]
        before = after = bias = None
        if of_images:
            first = (part.contiguous() for part in (gradient, images, weight))
            before = _backward(*first, None, *ctx.how, [True, False, False])[0]
            before = before.contiguous(memory_format=torch.channels_last)
        if any(of_others):
            _, after, bias = _backward(gradient, images, weight, ctx.bias_sizes, *ctx.how, [False, *of_others])
        return before, after, bias, *(None for _ in ctx.how)


def convolution(images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *how: Any) -> torch.Tensor:
    """Takes what `aten.convolution` takes, and gives the same."""
    result: torch.Tensor = _Convolution.apply(images, weight, bias, *how)
    return result
