"""Windows that slide over images, channels last. TensorFlow has no kernels for some of them in float64, or none with
gradients: those are put together from others."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.backends.tensorflow.imported import tf

Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Window:
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


def flat(images: Any, window: Window, kernel: Any = None) -> tuple[Any, Window, Any]:
    """Sequences as images of one row."""
    if len(window.lengths) != 1:
        return images, window, kernel
    flat = Window(
        (1, *window.lengths), (1, *window.kernel), (1, *window.strides), ((0, 0), *window.pads), (1, *window.dilations)
    )
    return tf.expand_dims(images, 1), flat, None if kernel is None else tf.expand_dims(kernel, 0)


def padded(images: Any, pads: Pads, value: float = 0.0) -> Any:
    """Images with this number around them."""
    return tf.pad(images, [(0, 0), *pads, (0, 0)], constant_values=value) if any(map(any, pads)) else images


def without_holes(kernel: Any, window: Window) -> tuple[Any, Window]:
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


def convolved(images: Any, kernel: Any, window: Window, group: int, depth: int) -> Any:
    """A kernel (*sizes, `depth`, filters) on images of one or more rows; each group of channels has its own filters."""
    kernel, window = without_holes(kernel, window)
    if group == 1:
        return _one_group(images, kernel, window)
    is_flat = len(window.lengths) == 2
    if is_flat and depth == 1:
        return _depthwise(images, kernel, window, group)
    if is_flat and images.dtype == tf.float32 and _has_groups():
        return _one_group(images, kernel, window)
    parts = zip(tf.split(images, group, -1), tf.split(kernel, group, -1), strict=True)
    return tf.concat([_one_group(part, filters, window) for part, filters in parts], -1)


@functools.cache
def _has_groups() -> bool:
    """Whether TensorFlow has gradients of groups: oneDNN has them, for float32; its own kernels for CPUs have none."""
    settings = {"input_sizes": [1, 4, 4, 4], "strides": [1, 1, 1, 1], "padding": "VALID"}
    with tf.init_scope():
        try:
            tf.raw_ops.Conv2DBackpropInput(filter=tf.ones((3, 3, 2, 4)), out_backprop=tf.ones((1, 2, 2, 4)), **settings)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            return False
    return True


def _one_group(images: Any, kernel: Any, window: Window) -> Any:
    padding = window.padding
    if padding is None:
        images, padding = padded(images, window.pads), "VALID"
    convolve = tf.raw_ops.Conv2D if len(window.lengths) == 2 else tf.raw_ops.Conv3D
    return convolve(input=images, filter=kernel, strides=window.steps, padding=padding)


def _depthwise(images: Any, kernel: Any, window: Window, channels: int) -> Any:
    """One channel to each group. The kernel is given as (height, width, 1, channels * filters of each)."""
    kernel = tf.reshape(kernel, [*window.kernel, channels, -1])
    padding, stride = window.padding, window.strides[0]
    if padding is None or window.strides != (stride, stride):
        images, padding = padded(images, window.pads), "VALID"
    steps = window.steps if window.strides == (stride, stride) else [1, 1, 1, 1]
    tensor = tf.raw_ops.DepthwiseConv2dNative(input=images, filter=kernel, strides=steps, padding=padding)
    return tensor if steps == window.steps else tensor[:, :: window.strides[0], :: window.strides[1]]
