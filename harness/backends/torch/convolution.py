"""Convolutions with filters and memory layouts that suit a CPU, chosen separately for forward and backward passes."""

from __future__ import annotations

from typing import Any

import torch

_LAST = torch.channels_last
_forward = torch.ops.aten.convolution.default
_backward = torch.ops.aten.convolution_backward.default


class _Convolution(torch.autograd.Function):
    """oneDNN computes the gradient of the weights twice as fast with channels last, and that of the images twice as
    fast with channels first, copies included."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *how: Any) -> Any:
        ctx.is_last, images = images.is_contiguous(memory_format=_LAST), images.contiguous(memory_format=_LAST)
        ctx.save_for_backward(images, weight)
        ctx.bias_sizes, ctx.how = None if bias is None else list(bias.shape), how
        return _forward(images, weight, bias, *how)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        images, weight = ctx.saved_tensors
        of_images, *of_others = ctx.needs_input_grad[:3]
        before = after = bias = None
        if of_images:
            only_its_shape = images.new_empty(images.shape)
            first = (gradient.contiguous(), only_its_shape, weight.contiguous())
            before = _backward(*first, None, *ctx.how, [True, False, False])[0]
            before = before.contiguous(memory_format=_LAST) if ctx.is_last else before
        if any(of_others):
            gradient = gradient.contiguous(memory_format=_LAST)
            _, after, bias = _backward(gradient, images, weight, ctx.bias_sizes, *ctx.how, [False, *of_others])
        return before, after, bias, *(None for _ in ctx.how)


class _ConvolutionAndPooling(torch.autograd.Function):
    """The four positions of each 2x2 window become four groups of filters, shifted by a pixel, in one convolution of
    stride 2.

    So few filters on so few channels leave the processor's vectors half empty; four times as many fill them, and the
    largest of four whole maps is found many times faster than the largest of each window.
    """

    @staticmethod
    def forward(
        ctx: Any, images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, padding: list[int]
    ) -> Any:
        images, shifted = _channels_first(images), _shifted(weight)
        places = _forward(images, shifted, None if bias is None else bias.repeat(4), *_how(padding))
        places = places.unflatten(1, (4, -1))
        largest = places.amax(1)
        ctx.save_for_backward(images, shifted, places, largest)
        ctx.has_bias, ctx.padding, ctx.kernel = bias is not None, padding, weight.shape[2:]
        return largest

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        images, shifted, places, largest = ctx.saved_tensors
        of_places = _to_the_first_largest(gradient.contiguous(), places, largest).flatten(1, 2)
        sizes, wanted = [len(shifted)] if ctx.has_bias else None, [False, True, ctx.has_bias]
        _, of_shifted, of_bias = _backward(of_places, images, shifted, sizes, *_how(ctx.padding), wanted)
        of_weight = sum(part for part in _parts(of_shifted.unflatten(0, (4, -1)), ctx.kernel))
        return None, of_weight, of_bias.view(4, -1).sum(0) if ctx.has_bias else None, None


def _channels_first(images: torch.Tensor) -> torch.Tensor:
    """With one channel both layouts are the same memory: only new strides indicate which is meant."""
    return images.contiguous().flatten().view(images.shape)


def _shifted(weight: torch.Tensor) -> torch.Tensor:
    """(filters, channels, height, width) to (4 * filters, channels, height + 1, width + 1), at each of four
    positions."""
    filters, channels, height, width = weight.shape
    shifted = weight.new_zeros(4, filters, channels, height + 1, width + 1)
    for part in _parts(shifted, weight.shape[2:]):
        part.copy_(weight)
    return shifted.flatten(0, 1)


def _parts(shifted: torch.Tensor, kernel: torch.Size) -> list[torch.Tensor]:
    """Views of the kernels at their four positions, in the order in which pooling looks at a window."""
    height, width = kernel
    return [shifted[2 * y + x, :, :, y : y + height, x : x + width] for y in (0, 1) for x in (0, 1)]


def _to_the_first_largest(gradient: torch.Tensor, places: torch.Tensor, largest: torch.Tensor) -> torch.Tensor:
    """Each gradient at the first position of the maximum, as in max-pooling; zero at the others."""
    result = torch.empty_like(places)
    for place in range(3):
        here = result[:, place].copy_(places[:, place]).eq_(largest).mul_(gradient)
        gradient = gradient - here
    result[:, 3] = gradient
    return result


def _how(padding: list[int]) -> tuple[Any, ...]:
    return [2, 2], padding, [1, 1], False, [0, 0], 1


def convolution(images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *how: Any) -> torch.Tensor:
    """Same arguments and result as `aten.convolution`."""
    result: torch.Tensor = _Convolution.apply(images, weight, bias, *how)
    return result


def convolution_and_pooling(
    images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, padding: list[int]
) -> torch.Tensor:
    """A convolution of stride 1 and a max-pooling of 2x2 after it; the images get no gradient."""
    result: torch.Tensor = _ConvolutionAndPooling.apply(images, weight, bias, padding)
    return result
