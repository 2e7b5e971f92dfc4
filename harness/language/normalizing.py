"""The meaning of products of matrices, reductions and normalizations."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from harness.language.elementwise import Floats, Meaning


def gemm(a: Floats, b: Floats, c: Floats | None = None, *, transB: bool) -> Floats:
    """A times B, or times B transposed, plus C in each row."""
    product = a @ (b.T if transB else b)
    return product if c is None else product + c


def matmul(a: Floats, b: Floats) -> Floats:
    """A times B for each pair of matrices; leading axes broadcast."""
    return a @ b


def reduce_mean(x: Floats, *, axes: tuple[int, ...], keepdims: bool) -> Floats:
    """The mean over the axes."""
    total = reduce_sum(x, axes=axes, keepdims=keepdims)
    return np.asarray(total / math.prod(x.shape[axis] for axis in axes))


def reduce_sum(x: Floats, *, axes: tuple[int, ...], keepdims: bool) -> Floats:
    """The sum over the axes."""
    return np.asarray(np.sum(x, axis=axes, keepdims=keepdims))


def reduce_max(x: Floats, *, axes: tuple[int, ...], keepdims: bool) -> Floats:
    """The largest number over the axes. Several largest have equal parts of the gradient; with PyTorch's `max` along an
    axis the first has all of it."""
    return np.asarray(np.max(x, axis=axes, keepdims=keepdims, initial=-np.inf))


def reduce_min(x: Floats, *, axes: tuple[int, ...], keepdims: bool) -> Floats:
    """The smallest number over the axes. Gradients as of ReduceMax."""
    return np.asarray(np.min(x, axis=axes, keepdims=keepdims, initial=np.inf))


def reduce_l2(x: Floats, *, axes: tuple[int, ...], keepdims: bool) -> Floats:
    """The root of the sum of squares over the axes. Where it is 0 the subgradient is 0; in
    TensorFlow NaN."""
    return np.asarray(np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdims)))


def softmax(x: Floats, *, axis: int) -> Floats:
    """exp(x), divided by its sum along the axis."""
    powers = np.exp(x - reduce_max(x, axes=(axis,), keepdims=True))
    return np.asarray(powers / reduce_sum(powers, axes=(axis,), keepdims=True))


def log_softmax(x: Floats, *, axis: int) -> Floats:
    """The logarithm of Softmax."""
    below = x - reduce_max(x, axes=(axis,), keepdims=True)
    return np.asarray(below - np.log(reduce_sum(np.exp(below), axes=(axis,), keepdims=True)))


def batch_normalization(
    x: Floats,
    scale: Floats,
    b: Floats,
    mean: Floats | None = None,
    var: Floats | None = None,
    *,
    epsilon: float,
    training: bool,
    **_: object,
) -> Floats:
    """(x - mean) / sqrt(var + epsilon) * scale + B for each channel. With `training`, mean and variance (of n numbers,
    divided by n) are those of the batch, and the gradient goes through them."""
    if training or mean is None or var is None:
        mean, var = _moments(x, (0, *range(2, x.ndim)))
        return _normalized(x, mean, var, epsilon) * _per_channel(scale, x) + _per_channel(b, x)
    centered = _normalized(x, _per_channel(mean, x), _per_channel(var, x), epsilon)
    return centered * _per_channel(scale, x) + _per_channel(b, x)


def updated(x: Floats, mean: Floats, var: Floats, *, momentum: float, unbiased: bool) -> tuple[Floats, Floats]:
    """The mean and variance that BatchNormalization keeps after training on a batch: momentum * old + (1 - momentum) *
    that of the batch; the variance divided by n - 1 if `unbiased`, else by n."""
    batch_mean, batch_var = (moment.reshape(-1) for moment in _moments(x, (0, *range(2, x.ndim))))
    n = x.size // x.shape[1]
    if unbiased:
        batch_var = batch_var * n / (n - 1)
    return momentum * mean + (1 - momentum) * batch_mean, momentum * var + (1 - momentum) * batch_var


def layer_normalization(x: Floats, scale: Floats, b: Floats | None = None, *, axis: int, epsilon: float) -> Floats:
    """(x - mean) / sqrt(variance + epsilon) over `axis` and those after it, times scale, plus B."""
    result = _normalized(x, *_moments(x, tuple(range(axis, x.ndim))), epsilon) * scale
    return result if b is None else result + b


def group_normalization(x: Floats, scale: Floats, b: Floats, *, num_groups: int, epsilon: float) -> Floats:
    """(x - mean) / sqrt(variance + epsilon) over each image's groups of adjacent channels, times scale, plus B for each
    channel."""
    groups = x.reshape(x.shape[0], num_groups, -1)
    result = _normalized(groups, *_moments(groups, (2,)), epsilon).reshape(x.shape)
    return result * _per_channel(scale, x) + _per_channel(b, x)


def lrn(x: Floats, *, size: int, alpha: float, beta: float, bias: float) -> Floats:
    """x / (bias + alpha / size * s) ^ beta; s is the sum of squares over `size` channels, from floor((size - 1) / 2)
    before this one on; missing ones count as 0."""
    before = (size - 1) // 2
    squares = np.pad(x * x, [(0, 0), (before, size - 1 - before), *[(0, 0)] * (x.ndim - 2)])
    total = np.zeros_like(x)
    for start in range(min(size, squares.shape[1])):
        total += squares[:, start : start + x.shape[1]]
    return x / (bias + alpha / size * total) ** beta


def _moments(x: Floats, axes: tuple[int, ...]) -> tuple[Floats, Floats]:
    mean = reduce_mean(x, axes=axes, keepdims=True)
    return mean, reduce_mean((x - mean) ** 2, axes=axes, keepdims=True)


def _normalized(x: Floats, mean: Floats, var: Floats, epsilon: float) -> Floats:
    return (x - mean) / np.sqrt(var + epsilon)


def _per_channel(numbers: Floats, x: Floats) -> Floats:
    return numbers.reshape(-1, *[1] * (x.ndim - 2))


NORMALIZING: Mapping[str, Meaning] = {
    "Gemm": gemm,
    "MatMul": matmul,
    "ReduceMean": reduce_mean,
    "ReduceSum": reduce_sum,
    "ReduceMax": reduce_max,
    "ReduceMin": reduce_min,
    "ReduceL2": reduce_l2,
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
    "GroupNormalization": group_normalization,
    "LRN": lrn,
}
