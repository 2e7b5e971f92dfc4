"""The language's layers in PyTorch: products, convolutions, pooling and normalization."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from harness.backends.torch.lowered_run import Function, Lower, Run, plain
from harness.language.graph import Graph, Node
from harness.language.sizes import at

Pads = Sequence[tuple[int, int]]


def _gemm(node: Node, _: Graph) -> Function:
    if node.attributes["transB"]:
        return lambda _, a, b, c=None: functional.linear(a, b, c)
    return lambda _, a, b, c=None: torch.mm(a, b) if c is None else torch.addmm(c, a, b)


def is_symmetric(pads: Pads) -> bool:
    """Whether as much is added before each axis as after it, as PyTorch's own layers do."""
    return all(before == after for before, after in pads)


def padded(x: torch.Tensor, pads: Pads, value: float = 0.0) -> torch.Tensor:
    """An image with pads along its last axes."""
    return functional.pad(x, [side for pair in reversed(pads) for side in pair], value=value)


def conv_with(convolve: Callable[..., torch.Tensor]) -> Lower:
    """A convolution by a function that takes the arguments of `aten.convolution`."""

    def of_node(node: Node, _: Graph) -> Function:
        strides, pads, dilations, group = (node.attributes[name] for name in ("strides", "pads", "dilations", "group"))
        padding = [before if is_symmetric(pads) else 0 for before, _ in pads]
        settings = list(strides), padding, list(dilations), False, [0] * len(pads), group
        if is_symmetric(pads):
            return lambda _, x, w, b=None: convolve(x, w, b, *settings)
        return lambda _, x, w, b=None: convolve(padded(x, pads), w, b, *settings)

    return of_node


def _conv_transpose(node: Node, _: Graph) -> Function:
    """Pads cut the result; PyTorch cuts the same on both sides of an axis."""
    strides, dilations, extra, group, pads = (
        node.attributes[name] for name in ("strides", "dilations", "output_padding", "group", "pads")
    )
    padding = [min(pair) for pair in pads]
    cut = [(before - least, after - least) for (before, after), least in zip(pads, padding, strict=True)]

    def function(_: Run, x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None = None) -> torch.Tensor:
        result = torch.convolution(x, w, b, list(strides), padding, list(dilations), True, list(extra), group)
        for axis, (before, after) in enumerate(cut, 2):
            result = result.narrow(axis, before, result.shape[axis] - before - after)
        return result

    return function


_MAX_POOLS = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
_AVERAGE_POOLS = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}


def _max_pool(node: Node, graph: Graph) -> Function:
    kernel, strides, dilations = _window(node)
    pads, pool = node.attributes["pads"], _MAX_POOLS[len(kernel)]
    if is_symmetric(pads) and all(2 * before <= width for (before, _), width in zip(pads, kernel, strict=True)):
        padding, is_ceil = [before for before, _ in pads], node.attributes["ceil_mode"]
        return lambda _, x: pool(x, kernel, strides, padding, dilations, is_ceil)
    full = _full_pads(node, graph)
    return lambda _, x: pool(padded(x, full, -math.inf), kernel, strides, 0, dilations)


def _average_pool(node: Node, graph: Graph) -> Function:
    """PyTorch's own, or sums of windows divided by how many of their numbers count."""
    kernel, strides, dilations = _window(node)
    pads, pool = node.attributes["pads"], _AVERAGE_POOLS[len(kernel)]
    has_own = all(2 * before <= width for (before, _), width in zip(pads, kernel, strict=True))
    if has_own and is_symmetric(pads) and set(dilations) == {1}:
        settings = ([before for before, _ in pads], node.attributes["ceil_mode"], node.attributes["count_include_pad"])
        return lambda _, x: pool(x, kernel, strides, *settings)
    full, counts = _full_pads(node, graph), torch.from_numpy(_counts(node, graph))
    return lambda _, x: _sums(padded(x, full), kernel, strides, dilations) / counts.to(x.dtype)


def _window(node: Node) -> tuple[list[int], list[int], list[int]]:
    kernel, strides, dilations = (list(node.attributes[name]) for name in ("kernel_shape", "strides", "dilations"))
    return kernel, strides, dilations


def _full_pads(node: Node, graph: Graph) -> list[tuple[int, int]]:
    """The pads, with as much more at the end as a last window that is cut off needs."""
    lengths, sizes = (at(graph.values[name].shape[2:], 0) for name in (node.inputs[0], node.name))
    full = []
    for length, size, (before, after), *window in zip(
        lengths, sizes, node.attributes["pads"], *_window(node), strict=True
    ):
        width, stride, dilation = window
        needed = (size - 1) * stride + dilation * (width - 1) + 1
        full.append((before, after + max(0, needed - before - length - after)))
    return full


def _counts(node: Node, graph: Graph) -> npt.NDArray[np.float64]:
    """How many numbers count in each window: those of the image, or of the image with its pads."""
    lengths, sizes = (at(graph.values[name].shape[2:], 0) for name in (node.inputs[0], node.name))
    with_pads = node.attributes["count_include_pad"]
    counts = np.ones(())
    for length, size, (before, after), width, stride, dilation in zip(
        lengths, sizes, node.attributes["pads"], *_window(node), strict=True
    ):
        places = np.arange(size)[:, None] * stride + np.arange(width) * dilation
        first, end = (0, before + length + after) if with_pads else (before, before + length)
        counts = np.multiply.outer(counts, ((places >= first) & (places < end)).sum(1))
    return counts


def _sums(x: torch.Tensor, kernel: list[int], strides: list[int], dilations: list[int]) -> torch.Tensor:
    """The sum of each window, as a convolution of each channel alone with ones."""
    alone = x.reshape(-1, 1, *x.shape[2:])
    sums = torch.convolution(
        alone, x.new_ones(1, 1, *kernel), None, strides, [0] * len(kernel), dilations, False, [0] * len(kernel), 1
    )
    return sums.reshape(*x.shape[:2], *sums.shape[2:])


_ADAPTIVE_MAX = {
    1: functional.adaptive_max_pool1d,
    2: functional.adaptive_max_pool2d,
    3: functional.adaptive_max_pool3d,
}
_ADAPTIVE_AVERAGE = {
    1: functional.adaptive_avg_pool1d,
    2: functional.adaptive_avg_pool2d,
    3: functional.adaptive_avg_pool3d,
}


def _adaptive(pools: Mapping[int, Any]) -> Lower:
    def of_node(node: Node, _: Graph) -> Function:
        sizes = list(node.attributes["sizes"])
        pool = pools[len(sizes)]
        return lambda _, x: pool(x, sizes)

    return of_node


def _batch_normalization(node: Node, _: Graph) -> Function:
    training, momentum, epsilon = (node.attributes[name] for name in ("training", "momentum", "epsilon"))
    if not training:
        return lambda _, x, scale, b, mean, var: torch.batch_norm(x, scale, b, mean, var, False, 0.0, epsilon, False)
    if node.attributes["unbiased"]:
        share = 1 - momentum
        return lambda _, x, scale, b, mean=None, var=None: torch.batch_norm(
            x, scale, b, mean, var, True, share, epsilon, False
        )

    def function(_: Run, x: torch.Tensor, scale: torch.Tensor, b: torch.Tensor, *moving: torch.Tensor) -> torch.Tensor:
        if moving:
            _update(x, moving, momentum)
        return torch.batch_norm(x, scale, b, None, None, True, 0.0, epsilon, False)

    return function


@torch.no_grad()
def _update(x: torch.Tensor, moving: Sequence[torch.Tensor], momentum: float) -> None:
    """The moving mean and the moving variance, which is divided by the number of values."""
    var, mean = torch.var_mean(x, [axis for axis in range(x.ndim) if axis != 1], correction=0)
    for old, new in zip(moving, (mean, var), strict=True):
        old.mul_(momentum).add_(new, alpha=1 - momentum)


def _layer_normalization(node: Node, _: Graph) -> Function:
    axis, epsilon = node.attributes["axis"], node.attributes["epsilon"]
    return lambda _, x, scale, b=None: functional.layer_norm(x, x.shape[axis:], scale, b, epsilon)


def _group_normalization(node: Node, _: Graph) -> Function:
    groups, epsilon = node.attributes["num_groups"], node.attributes["epsilon"]
    return lambda _, x, scale, b: torch.group_norm(x, groups, scale, b, epsilon, False)


def _lrn(node: Node, _: Graph) -> Function:
    """PyTorch's own has a window that lies one channel earlier where its size is even."""
    size, alpha, beta, bias = (node.attributes[name] for name in ("size", "alpha", "beta", "bias"))
    pads = [0, 0, (size - 1) // 2, size // 2]

    def function(_: Run, x: torch.Tensor) -> torch.Tensor:
        squares = functional.pad(x.square().reshape(x.shape[0], 1, x.shape[1], -1), pads)
        mean = functional.avg_pool2d(squares, (size, 1), 1).reshape(x.shape)
        return x / (mean * alpha + bias).pow(beta)

    return function


LOWERED: Mapping[str, Lower] = {
    "Gemm": _gemm,
    "MatMul": plain(torch.matmul),
    "Conv": conv_with(torch.convolution),
    "ConvTranspose": _conv_transpose,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "AdaptiveMaxPool": _adaptive(_ADAPTIVE_MAX),
    "AdaptiveAveragePool": _adaptive(_ADAPTIVE_AVERAGE),
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "GroupNormalization": _group_normalization,
    "LRN": _lrn,
}
