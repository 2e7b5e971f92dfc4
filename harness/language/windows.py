"""The meaning of the operators that move a window over images: (N, channels, sizes), with one to three sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from harness.language.elementwise import Floats, Meaning

Pads = Sequence[tuple[int, int]]


def conv(
    x: Floats,
    w: Floats,
    b: Floats | None = None,
    *,
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
    group: int,
) -> Floats:
    """Each number is the sum over channels and window of image times filter, which is not flipped, plus B. Filters come
    in `group` equal parts; each part sees its part of the channels."""
    kernel = w.shape[2:]
    counts = _counts(x.shape[2:], kernel, strides, pads, dilations)
    parts = _grouped(np.pad(x, ((0, 0), (0, 0), *pads)), group)
    filters = w.reshape(group, w.shape[0] // group, *w.shape[1:])
    total = np.zeros((x.shape[0], group, filters.shape[1], math.prod(counts)))
    for place, window in _windows(kernel, counts, strides, dilations):
        seen = parts[(..., *window)].reshape(*parts.shape[:3], -1)
        total += filters[(..., *place)] @ seen
    return _with_bias(total.reshape(x.shape[0], w.shape[0], *counts), b)


def conv_transpose(
    x: Floats,
    w: Floats,
    b: Floats | None = None,
    *,
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
    group: int,
    output_padding: Sequence[int],
) -> Floats:
    """Each number of X, times the filters of its channel, is added to the window that starts at its place times the
    stride; what `pads` covers is cut off, `output_padding` is more at the end; plus B."""
    kernel, sizes = w.shape[2:], x.shape[2:]
    reach = [dilation * (width - 1) + 1 for dilation, width in zip(dilations, kernel, strict=True)]
    whole = [(n - 1) * s + r + e for n, s, r, e in zip(sizes, strides, reach, output_padding, strict=True)]
    parts = _grouped(x, group).reshape(x.shape[0], group, x.shape[1] // group, -1)
    filters = w.reshape(group, w.shape[0] // group, *w.shape[1:]).swapaxes(1, 2)
    total = np.zeros((x.shape[0], group, w.shape[1], *whole))
    for place, window in _windows(kernel, sizes, strides, dilations):
        total[(..., *window)] += (filters[(..., *place)] @ parts).reshape(*total.shape[:3], *sizes)
    kept: Any = tuple(slice(before, n - after) for n, (before, after) in zip(whole, pads, strict=True))
    return _with_bias(total.reshape(x.shape[0], -1, *whole)[(..., *kept)], b)


def max_pool(
    x: Floats,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
    ceil_mode: bool,
) -> Floats:
    """The largest number in each window; pads never are. Of several largest, the first in row-major order has the
    gradient; in TensorFlow's MaxPool3D each has all of it."""
    counts = _counts(x.shape[2:], kernel_shape, strides, pads, dilations, ceil_mode)
    room = _room(x, counts, kernel_shape, strides, pads, dilations)
    numbers = np.pad(x, room, constant_values=-np.inf)
    largest = np.full((*x.shape[:2], *counts), -np.inf)
    for _, window in _windows(kernel_shape, counts, strides, dilations):
        largest = np.maximum(largest, numbers[(..., *window)])
    return largest


def average_pool(
    x: Floats,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
) -> Floats:
    """The mean of each window: without pads, or with `count_include_pad` with them as zeros. What `ceil_mode` adds
    beyond them never counts."""
    counts = _counts(x.shape[2:], kernel_shape, strides, pads, dilations, ceil_mode)
    room = _room(x, counts, kernel_shape, strides, pads, dilations)
    counted = np.pad(np.ones(x.shape[2:]), pads, constant_values=float(count_include_pad))
    beyond = [(0, after - pad[1]) for (_, after), pad in zip(room[2:], pads, strict=True)]
    numbers, counted = np.pad(x, room), np.pad(counted, beyond)
    total, size = np.zeros((*x.shape[:2], *counts)), np.zeros(counts)
    for _, window in _windows(kernel_shape, counts, strides, dilations):
        total += numbers[(..., *window)]
        size += counted[window]
    return total / size


def adaptive_max_pool(x: Floats, *, sizes: Sequence[int]) -> Floats:
    """The largest number in each window. Of several largest, the first in row-major order has the gradient."""
    result = np.empty((*x.shape[:2], *sizes))
    for place, window in _adaptive_windows(x.shape[2:], sizes):
        result[(..., *place)] = x[(..., *window)].max(axis=tuple(range(2, x.ndim)))
    return result


def adaptive_average_pool(x: Floats, *, sizes: Sequence[int]) -> Floats:
    """The mean of each window."""
    result = np.empty((*x.shape[:2], *sizes))
    for place, window in _adaptive_windows(x.shape[2:], sizes):
        result[(..., *place)] = x[(..., *window)].mean(axis=tuple(range(2, x.ndim)))
    return result


def _windows(
    kernel: Sequence[int], counts: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Iterator[tuple[Any, Any]]:
    """For each place in a window: where all the windows have it."""
    for place in product(*map(range, kernel)):
        starts = [k * dilation for k, dilation in zip(place, dilations, strict=True)]
        settings = zip(starts, counts, strides, strict=True)
        yield place, tuple(slice(start, start + (n - 1) * stride + 1, stride) for start, n, stride in settings)


def _adaptive_windows(lengths: Sequence[int], sizes: Sequence[int]) -> Iterator[tuple[Any, Any]]:
    """For each number of the result: the window that it covers."""
    for place in product(*map(range, sizes)):
        settings = zip(place, lengths, sizes, strict=True)
        yield place, tuple(slice(k * length // n, -(-(k + 1) * length // n)) for k, length, n in settings)


def _counts(
    lengths: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
    ceil_mode: bool = False,
) -> list[int]:
    """How many windows there are along each axis. With `ceil_mode` one more where numbers are left over, unless it
    would start beyond the image."""
    counts = []
    for length, width, stride, (before, after), dilation in zip(lengths, kernel, strides, pads, dilations, strict=True):
        room = length + before + after - dilation * (width - 1) - 1
        more = ceil_mode and room % stride > 0 and (room // stride + 1) * stride < length + before
        counts.append(room // stride + 1 + more)
    return counts


def _room(
    x: Floats,
    counts: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
) -> list[tuple[int, int]]:
    """The pads of all axes, with what the last window needs beyond them."""
    room = [(0, 0), (0, 0)]
    settings = zip(x.shape[2:], counts, kernel, strides, pads, dilations, strict=True)
    for length, count, width, stride, (before, after), dilation in settings:
        end = (count - 1) * stride + dilation * (width - 1) + 1
        room.append((before, max(after, end - length - before)))
    return room


def _grouped(x: Floats, group: int) -> Floats:
    return x.reshape(x.shape[0], group, x.shape[1] // group, *x.shape[2:])


def _with_bias(result: Floats, bias: Floats | None) -> Floats:
    return result if bias is None else result + bias.reshape(-1, *[1] * (result.ndim - 2))


WINDOWS: Mapping[str, Meaning] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "AdaptiveMaxPool": adaptive_max_pool,
    "AdaptiveAveragePool": adaptive_average_pool,
}
