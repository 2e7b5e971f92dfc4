"""Convolutions and pools of the language."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.placed import Call, Lowered, Placed, channels_last, extent, ordered, whole
from harness.backends.tensorflow.windows import Window, along, convolved, flat, padded, without_holes


def _conv(call: Call) -> Placed:
    rank = len(call.result.shape)
    images, filters = call.first, call.inputs[1]
    window = Window(whole(images.shape[2:]), whole(filters.shape[2:]), call["strides"], call["pads"], call["dilations"])
    tensor = ordered(images, channels_last(rank))
    tensor, window, kernel = flat(tensor, window, ordered(filters, (*range(2, rank), 1, 0)))
    (depth,) = whole(filters.shape[1:2])
    return _biased(call, convolved(tensor, kernel, window, call["group"], depth))


def _biased(call: Call, tensor: Any) -> Placed:
    """With the bias, and a sequence again if it was one."""
    order = channels_last(len(call.result.shape))
    if len(order) == 3:
        tensor = tf.squeeze(tensor, 1)
    return call.gives(tf.nn.bias_add(tensor, call.inputs[2].tensor) if len(call.inputs) > 2 else tensor, order)


def _conv_transpose(call: Call) -> Placed:
    rank = len(call.result.shape)
    images, filters = call.first, call.inputs[1]
    settings = (call["strides"], call["pads"], call["dilations"])
    window = Window(whole(call.result.shape[2:]), whole(filters.shape[2:]), *settings)
    tensor = ordered(images, channels_last(rank))
    kernel, window = without_holes(ordered(filters, (*range(2, rank), 1, 0)), window)
    tensor, window, kernel = flat(tensor, window, kernel)
    lengths = (*[1] * (len(window.lengths) - rank + 2), *whole(images.shape[2:]))
    size = (extent(call.result.shape[0], call.count), filters.shape[1])
    group = call["group"]
    parts = zip(tf.split(tensor, group, -1), tf.split(kernel, group, -1), strict=True)
    return _biased(call, tf.concat([_spread_out(part, lengths, filters, window, size) for part, filters in parts], -1))


def _spread_out(images: Any, lengths: Sequence[int], kernel: Any, window: Window, size: tuple[Any, Any]) -> Any:
    """The gradient of a convolution, over its whole length; then what its pads and its output padding leave. `size` is
    the number of images and of channels."""
    padding = _padding_of_gradient(lengths, window)
    reach = list(window.lengths)
    if padding is None:
        reach = [(n - 1) * s + k for n, s, k in zip(lengths, window.strides, window.kernel, strict=True)]
    shape = tf.stack([size[0], *reach, size[1]])
    convolve = tf.raw_ops.Conv2DBackpropInput if len(reach) == 2 else tf.raw_ops.Conv3DBackpropInputV2
    tensor = convolve(
        input_sizes=shape, filter=kernel, out_backprop=images, strides=window.steps, padding=padding or "VALID"
    )
    return tensor if padding else _cropped(tensor, reach, window)


def _padding_of_gradient(lengths: Sequence[int], window: Window) -> str | None:
    """TensorFlow's word for the pads, if a convolution with them makes images of this size."""
    padding = window.padding
    strided = [
        -(-(n - (k - 1 if padding == "VALID" else 0)) // s)
        for n, s, k in zip(window.lengths, window.strides, window.kernel, strict=True)
    ]
    return padding if strided == list(lengths) else None


def _cropped(tensor: Any, reach: Sequence[int], window: Window) -> Any:
    """Zeros after the end where the output padding goes beyond it, and the pads taken off."""
    starts = [before for before, _ in window.pads]
    ends = [start + length for start, length in zip(starts, window.lengths, strict=True)]
    tensor = padded(tensor, tuple((0, max(0, end - size)) for end, size in zip(ends, reach, strict=True)))
    return tensor[(slice(None), *(slice(*bounds) for bounds in zip(starts, ends, strict=True)))]


def _pool(call: Call) -> tuple[Any, Window]:
    """The images channels last, and the window, whose pads reach to the end of the last one."""
    rank = len(call.result.shape)
    lengths = whole(call.first.shape[2:])
    settings = (call["kernel_shape"], call["strides"], call["pads"], call["dilations"])
    pads = tuple(
        (before, after + max(0, (n - 1) * stride + (width - 1) * hole + 1 - length - before - after))
        for n, length, width, stride, (before, after), hole in zip(
            whole(call.result.shape[2:]), lengths, *settings, strict=True
        )
    )
    return ordered(call.first, channels_last(rank)), Window(lengths, settings[0], settings[1], pads, settings[3])


def _pooled(call: Call, tensor: Any) -> Placed:
    return call.gives(tensor, channels_last(len(call.result.shape)))


def _max_pool(call: Call) -> Placed:
    images, window = _pool(call)
    if window.is_dense and len(window.lengths) < 3:
        return _pooled(call, _native(images, window, tf.raw_ops.MaxPool, "input", -math.inf))
    outside = padded(images, window.pads, -math.inf)
    return _pooled(call, functools.reduce(tf.maximum, _slid(outside, window, call)))


def _native(images: Any, window: Window, pool: Any, name: str, outside: float) -> Any:
    is_sequence = len(window.lengths) == 1
    images, window, _ = flat(images, window)
    padding = window.padding
    if padding is None:
        images, padding = padded(images, window.pads, outside), "VALID"
    tensor = pool(**{name: images}, ksize=[1, *window.kernel, 1], strides=window.steps, padding=padding)
    return tf.squeeze(tensor, 1) if is_sequence else tensor


def _slid(images: Any, window: Window, call: Call) -> Iterator[Any]:
    """For each place in the window, what lies there in each of its positions."""
    counts = whole(call.result.shape[2:])
    for place in product(*map(range, window.kernel)):
        starts = [offset * hole for offset, hole in zip(place, window.dilations, strict=True)]
        cuts = [
            slice(start, start + (n - 1) * s + 1, s) for start, n, s in zip(starts, counts, window.strides, strict=True)
        ]
        yield images[(slice(None), *cuts)]


def _average_pool(call: Call) -> Placed:
    images, window = _pool(call)
    is_even = not any(map(any, window.pads)) or (window.padding == "SAME" and not call["count_include_pad"])
    if window.is_dense and len(window.lengths) < 3:
        if is_even:
            return _pooled(call, _native(images, window, tf.raw_ops.AvgPool, "value", 0))
        unpadded = replace(window, pads=((0, 0),) * len(window.pads))
        total = _native(padded(images, window.pads), unpadded, tf.raw_ops.AvgPool, "value", 0) * math.prod(
            window.kernel
        )
    else:
        total = functools.reduce(tf.add, _slid(padded(images, window.pads), window, call))
    return _pooled(call, total / tf.constant(_counted(call, window)[..., None], total.dtype))


def _counted(call: Call, window: Window) -> npt.NDArray[np.float64]:
    """How many numbers of each position of the window count: those of the image, and those of the stated pads."""
    counts = np.ones(())
    settings = zip(window.lengths, window.kernel, window.strides, call["pads"], window.dilations, strict=True)
    for n, (length, width, stride, (before, after), hole) in zip(whole(call.result.shape[2:]), settings, strict=True):
        places = np.arange(n)[:, None] * stride - before + np.arange(width) * hole
        pads = (before, after) if call["count_include_pad"] else (0, 0)
        inside = ((places >= -pads[0]) & (places < length + pads[1])).sum(1)
        counts = counts[..., None] * inside
    return np.maximum(counts, 1)


def _bounds(length: int, count: int) -> list[tuple[int, int]]:
    """Where each of `count` adaptive windows begins and ends."""
    return [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]


def _adaptive_average(call: Call) -> Placed:
    rank = len(call.result.shape)
    tensor = ordered(call.first, channels_last(rank))
    for axis, (length, count) in enumerate(zip(whole(call.first.shape[2:]), call["sizes"], strict=True)):
        matrix = np.zeros((count, length))
        for i, (start, end) in enumerate(_bounds(length, count)):
            matrix[i, start:end] = 1 / (end - start)
        tensor = along(tensor, matrix, axis + 1)
    return _pooled(call, tensor)


def _adaptive_max(call: Call) -> Placed:
    """Windows have several widths: the last number of a narrower one is repeated. The first of equal ones wins."""
    tensors = [ordered(call.first, channels_last(len(call.result.shape)))]
    for axis, (length, count) in enumerate(zip(whole(call.first.shape[2:]), call["sizes"], strict=True)):
        bounds = _bounds(length, count)
        width = max(end - start for start, end in bounds)
        places = [[min(start + k, end - 1) for start, end in bounds] for k in range(width)]
        tensors = [tf.gather(tensor, place, axis=axis + 1) for tensor in tensors for place in places]
    return _pooled(call, functools.reduce(tf.maximum, tensors))


WINDOWS: Mapping[str, Lowered] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "AdaptiveMaxPool": _adaptive_max,
    "AdaptiveAveragePool": _adaptive_average,
}
"""Each of these operators by its name."""
