"""Convolutions and pools, channels last. TensorFlow has no kernels for some of them in float64, or none with gradients:
those are put together from others."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.operators.placed import Call, Lowered, Placed, channels_last, extent, ordered
from harness.language.sizes import Dimension

Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Window:
    """A window that slides over images (N, *lengths, channels); every field has one entry for each axis."""

    lengths: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: Pads
    dilations: tuple[int, ...]

    @property
    def steps(self) -> list[int]:
        """Strides as TensorFlow takes them."""
        return [1, *self.strides, 1]

    @property
    def padding(self) -> str | None:
        """TensorFlow's word for the pads, if it has one."""
        if not any(map(any, self.pads)):
            return "VALID"
        extras = (
            max(0, (-(-length // stride) - 1) * stride + width - length)
            for length, stride, width in zip(self.lengths, self.strides, self.kernel, strict=True)
        )
        return "SAME" if self.pads == tuple((extra // 2, extra - extra // 2) for extra in extras) else None

    @property
    def is_dense(self) -> bool:
        """Whether the window has no holes."""
        return max(self.dilations) == 1


def _flat(images: Any, window: _Window, kernel: Any = None) -> tuple[Any, _Window, Any]:
    """Sequences as images of one row."""
    if len(window.lengths) != 1:
        return images, window, kernel
    flat = _Window(
        (1, *window.lengths), (1, *window.kernel), (1, *window.strides), ((0, 0), *window.pads), (1, *window.dilations)
    )
    return tf.expand_dims(images, 1), flat, None if kernel is None else tf.expand_dims(kernel, 0)


def _padded(images: Any, pads: Pads, value: float = 0.0) -> Any:
    return tf.pad(images, [(0, 0), *pads, (0, 0)], constant_values=value) if any(map(any, pads)) else images


def _numbers(shape: Sequence[Dimension]) -> tuple[int, ...]:
    """Sizes of an image or a filter, which the table has already found not to depend on N."""
    return tuple(size for size in shape if isinstance(size, int))


def _conv(call: Call) -> Placed:
    rank = len(call.result.shape)
    images, filters = call.first, call.inputs[1]
    window = _Window(
        _numbers(images.shape[2:]), _numbers(filters.shape[2:]), call["strides"], call["pads"], call["dilations"]
    )
    tensor = ordered(images, channels_last(rank))
    kernel, window = _spread(ordered(filters, (*range(2, rank), 1, 0)), window)
    tensor, window, kernel = _flat(tensor, window, kernel)
    return _biased(call, _grouped(tensor, kernel, window, call["group"], filters.shape[1] == 1))


def _biased(call: Call, tensor: Any) -> Placed:
    """With the bias, and a sequence again if it was one."""
    order = channels_last(len(call.result.shape))
    if len(order) == 3:
        tensor = tf.squeeze(tensor, 1)
    return call.gives(tf.nn.bias_add(tensor, call.inputs[2].tensor) if len(call.inputs) > 2 else tensor, order)


def _spread(kernel: Any, window: _Window) -> tuple[Any, _Window]:
    """A kernel with zeros in its holes: TensorFlow's kernels with holes have no gradients in float64."""
    for axis, (width, hole) in enumerate(zip(window.kernel, window.dilations, strict=True)):
        if hole > 1 and width > 1:
            positions = np.zeros((1 + (width - 1) * hole, width), np.float64)
            positions[np.arange(width) * hole, np.arange(width)] = 1
            kernel = along(kernel, positions, axis)
    wide = tuple(1 + (width - 1) * hole for width, hole in zip(window.kernel, window.dilations, strict=True))
    return kernel, replace(window, kernel=wide, dilations=(1,) * len(wide))


def along(tensor: Any, matrix: npt.NDArray[np.float64], axis: int) -> Any:
    """A matrix (new size, size) applied along one axis."""
    moved = tf.tensordot(tensor, tf.constant(matrix.T, tensor.dtype), [[axis], [0]])
    rank = len(tensor.shape)
    return tf.transpose(moved, [*range(axis), rank - 1, *range(axis, rank - 1)])


def _grouped(images: Any, kernel: Any, window: _Window, group: int, is_depthwise: bool) -> Any:
    """Each group of channels with its own filters; TensorFlow's own groups have no gradients in float64."""
    if group == 1:
        return _convolved(images, kernel, window)
    if is_depthwise and len(window.lengths) == 2:
        return _depthwise(images, kernel, window, group)
    parts = zip(tf.split(images, group, -1), tf.split(kernel, group, -1), strict=True)
    return tf.concat([_convolved(part, filters, window) for part, filters in parts], -1)


def _convolved(images: Any, kernel: Any, window: _Window) -> Any:
    padding = window.padding
    if padding is None:
        images, padding = _padded(images, window.pads), "VALID"
    convolve = tf.raw_ops.Conv2D if len(window.lengths) == 2 else tf.raw_ops.Conv3D
    return convolve(input=images, filter=kernel, strides=window.steps, padding=padding)


def _depthwise(images: Any, kernel: Any, window: _Window, channels: int) -> Any:
    """One channel to each group. The kernel is given as (height, width, 1, channels * filters of each)."""
    kernel = tf.reshape(kernel, [*window.kernel, channels, -1])
    padding, stride = window.padding, window.strides[0]
    if padding is None or window.strides != (stride, stride):
        images, padding = _padded(images, window.pads), "VALID"
    steps = window.steps if window.strides == (stride, stride) else [1, 1, 1, 1]
    tensor = tf.raw_ops.DepthwiseConv2dNative(input=images, filter=kernel, strides=steps, padding=padding)
    return tensor if steps == window.steps else tensor[:, :: window.strides[0], :: window.strides[1]]


def _conv_transpose(call: Call) -> Placed:
    rank = len(call.result.shape)
    images, filters = call.first, call.inputs[1]
    settings = (call["strides"], call["pads"], call["dilations"])
    window = _Window(_numbers(call.result.shape[2:]), _numbers(filters.shape[2:]), *settings)
    tensor = ordered(images, channels_last(rank))
    kernel, window = _spread(ordered(filters, (*range(2, rank), 1, 0)), window)
    tensor, window, kernel = _flat(tensor, window, kernel)
    lengths = (*[1] * (len(window.lengths) - rank + 2), *_numbers(images.shape[2:]))
    size = (extent(call.result.shape[0], call.count), filters.shape[1])
    group = call["group"]
    parts = zip(tf.split(tensor, group, -1), tf.split(kernel, group, -1), strict=True)
    return _biased(call, tf.concat([_spread_out(part, lengths, filters, window, size) for part, filters in parts], -1))


def _spread_out(images: Any, lengths: Sequence[int], kernel: Any, window: _Window, size: tuple[Any, Any]) -> Any:
    """The gradient of a convolution, over its whole length; then what its pads and its output padding leave. `size` is
    the number of images and of channels."""
    padding = _padding_of_gradient(lengths, window)
    whole = list(window.lengths)
    if padding is None:
        whole = [(n - 1) * s + k for n, s, k in zip(lengths, window.strides, window.kernel, strict=True)]
    shape = tf.stack([size[0], *whole, size[1]])
    convolve = tf.raw_ops.Conv2DBackpropInput if len(whole) == 2 else tf.raw_ops.Conv3DBackpropInputV2
    tensor = convolve(
        input_sizes=shape, filter=kernel, out_backprop=images, strides=window.steps, padding=padding or "VALID"
    )
    return tensor if padding else _cropped(tensor, whole, window)


def _padding_of_gradient(lengths: Sequence[int], window: _Window) -> str | None:
    """TensorFlow's word for the pads, if a convolution with them makes images of this size."""
    padding = window.padding
    strided = [
        -(-(n - (k - 1 if padding == "VALID" else 0)) // s)
        for n, s, k in zip(window.lengths, window.strides, window.kernel, strict=True)
    ]
    return padding if strided == list(lengths) else None


def _cropped(tensor: Any, whole: Sequence[int], window: _Window) -> Any:
    """Zeros after the end where the output padding goes beyond it, and the pads taken off."""
    starts = [before for before, _ in window.pads]
    ends = [start + length for start, length in zip(starts, window.lengths, strict=True)]
    tensor = _padded(tensor, tuple((0, max(0, end - size)) for end, size in zip(ends, whole, strict=True)))
    return tensor[(slice(None), *(slice(*bounds) for bounds in zip(starts, ends, strict=True)))]


def _pool(call: Call) -> tuple[Any, _Window]:
    """The images channels last, and the window, whose pads reach to the end of the last one."""
    rank = len(call.result.shape)
    lengths = _numbers(call.first.shape[2:])
    settings = (call["kernel_shape"], call["strides"], call["pads"], call["dilations"])
    pads = tuple(
        (before, after + max(0, (n - 1) * stride + (width - 1) * hole + 1 - length - before - after))
        for n, length, width, stride, (before, after), hole in zip(
            _numbers(call.result.shape[2:]), lengths, *settings, strict=True
        )
    )
    return ordered(call.first, channels_last(rank)), _Window(lengths, settings[0], settings[1], pads, settings[3])


def _pooled(call: Call, tensor: Any) -> Placed:
    return call.gives(tensor, channels_last(len(call.result.shape)))


def _max_pool(call: Call) -> Placed:
    images, window = _pool(call)
    if window.is_dense and len(window.lengths) < 3:
        return _pooled(call, _native(images, window, tf.raw_ops.MaxPool, "input", -math.inf))
    outside = _padded(images, window.pads, -math.inf)
    return _pooled(call, functools.reduce(tf.maximum, _slid(outside, window, call)))


def _native(images: Any, window: _Window, pool: Any, name: str, outside: float) -> Any:
    is_sequence = len(window.lengths) == 1
    images, window, _ = _flat(images, window)
    padding = window.padding
    if padding is None:
        images, padding = _padded(images, window.pads, outside), "VALID"
    tensor = pool(**{name: images}, ksize=[1, *window.kernel, 1], strides=window.steps, padding=padding)
    return tf.squeeze(tensor, 1) if is_sequence else tensor


def _slid(images: Any, window: _Window, call: Call) -> Iterator[Any]:
    """For each place in the window, what lies there in each of its positions."""
    counts = _numbers(call.result.shape[2:])
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
        whole = replace(window, pads=((0, 0),) * len(window.pads))
        total = _native(_padded(images, window.pads), whole, tf.raw_ops.AvgPool, "value", 0) * math.prod(window.kernel)
    else:
        total = functools.reduce(tf.add, _slid(_padded(images, window.pads), window, call))
    return _pooled(call, total / tf.constant(_counted(call, window)[..., None], total.dtype))


def _counted(call: Call, window: _Window) -> npt.NDArray[np.float64]:
    """How many numbers of each position of the window count: those of the image, and those of the stated pads."""
    counts = np.ones(())
    settings = zip(window.lengths, window.kernel, window.strides, call["pads"], window.dilations, strict=True)
    for n, (length, width, stride, (before, after), hole) in zip(
        _numbers(call.result.shape[2:]), settings, strict=True
    ):
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
    for axis, (length, count) in enumerate(zip(_numbers(call.first.shape[2:]), call["sizes"], strict=True)):
        matrix = np.zeros((count, length))
        for i, (start, end) in enumerate(_bounds(length, count)):
            matrix[i, start:end] = 1 / (end - start)
        tensor = along(tensor, matrix, axis + 1)
    return _pooled(call, tensor)


def _adaptive_max(call: Call) -> Placed:
    """Windows have several widths: the last number of a narrower one is repeated. The first of equal ones wins."""
    tensors = [ordered(call.first, channels_last(len(call.result.shape)))]
    for axis, (length, count) in enumerate(zip(_numbers(call.first.shape[2:]), call["sizes"], strict=True)):
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
