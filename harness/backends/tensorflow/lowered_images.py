"""Normalizations, and operators that sample images at other places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.placed import (
    Call,
    Lowered,
    Placed,
    channels_last,
    extent,
    extents,
    ordered,
    plain,
    sizes,
    whole,
)
from harness.backends.tensorflow.windows import along


def _batch_normalization(call: Call) -> Placed:
    """By the formulas of Keras, which have no kernel of their own: the same in float32 and float64."""
    x, order = call.first.tensor, call.first.order
    scale, bias = call.inputs[1].tensor, call.inputs[2].tensor
    mean, variance = _moments(call) if call["training"] else (value.tensor for value in call.inputs[3:5])
    factor = tf.math.rsqrt(variance + call["epsilon"]) * scale
    shape = [-1 if axis == 1 else 1 for axis in order]
    rest = bias - mean * factor
    return call.gives(x * tf.reshape(factor, shape) + tf.reshape(rest, shape), order)


def _moments(call: Call) -> tuple[Any, Any]:
    """The batch's mean and variance of each channel; the statistics move towards them."""
    x, order = call.first.tensor, call.first.order
    axes = [position for position, axis in enumerate(order) if axis != 1]
    mean, variance = tf.nn.moments(x, axes)
    if len(call.inputs) > 3:
        kept = variance
        if call["unbiased"]:
            n = tf.cast(tf.size(x) / tf.maximum(tf.size(mean), 1), x.dtype)
            kept = variance * (n / (n - 1))
        for value, name, now in zip(call.inputs[3:5], call.node.inputs[3:5], (mean, kept), strict=True):
            old = call.updated.get(name, value.tensor)
            call.updated[name] = old * call["momentum"] + tf.stop_gradient(now) * (1 - call["momentum"])
    return mean, variance


def _normalized(x: Any, axes: Sequence[int], epsilon: float) -> Any:
    mean, variance = tf.nn.moments(x, axes, keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + epsilon)


def _layer_normalization(call: Call) -> Placed:
    rank = len(call.result.shape)
    x = _normalized(plain(call.first), range(call["axis"], rank), call["epsilon"]) * plain(call.inputs[1])
    return call.gives(x + plain(call.inputs[2]) if len(call.inputs) > 2 else x)


def _group_normalization(call: Call) -> Placed:
    order, groups = channels_last(len(call.result.shape)), call["num_groups"]
    x = ordered(call.first, order)
    shape = sizes([call.result.shape[axis] for axis in order])
    parts = tf.reshape(x, [*shape[:-1], groups, shape[-1] // groups])
    normal = tf.reshape(_normalized(parts, [*range(1, len(shape) - 1), len(shape)], call["epsilon"]), shape)
    return call.gives(normal * call.inputs[1].tensor + call.inputs[2].tensor, order)


def _lrn(call: Call) -> Placed:
    order = channels_last(len(call.result.shape))
    x, size, (channels,) = ordered(call.first, order), call["size"], whole(call.result.shape[1:2])
    distance = np.subtract.outer(np.arange(channels), np.arange(channels))
    before = (size - 1) // 2
    near = ((distance <= before) & (-distance < size - before)).astype(np.float64)
    total = tf.tensordot(tf.square(x), tf.constant(near.T, x.dtype), 1)
    return call.gives(x / tf.pow(call["bias"] + call["alpha"] / size * total, call["beta"]), order)


def _affine_grid(call: Call) -> Placed:
    height, width = call["size"][2:]
    axes = [_centers(size, call["align_corners"]) for size in (height, width)]
    rows, columns = np.meshgrid(*axes, indexing="ij")
    places = np.stack([columns, rows, np.ones_like(rows)], -1).reshape(-1, 3)
    theta = plain(call.first)
    grid = tf.matmul(tf.constant(places, theta.dtype)[None], theta, transpose_b=True)
    return call.gives(tf.reshape(grid, extents(call.result.shape, call.count)))


def _centers(size: int, align_corners: bool) -> npt.NDArray[np.float64]:
    """The middle of each pixel, where an image reaches from -1 to 1."""
    if align_corners:
        return np.linspace(-1, 1, size) if size > 1 else np.zeros(1)
    return (2 * np.arange(size) + 1) / size - 1


def _grid_sample(call: Call) -> Placed:
    """A weighted sum of the pixels around each place: rows and columns have their own weights."""
    images, grid = ordered(call.first, channels_last(4)), plain(call.inputs[1])
    (channels, height, width), count = whole(call.first.shape[1:]), extent(call.result.shape[0], call.count)
    pixels = tf.reshape(images, [-1, channels])
    starts = (tf.range(count) * (height * width))[:, None, None]
    across, down = tf.unstack(grid, axis=3)
    columns = list(_near(call, across, width))
    found = []
    for row, share in _near(call, down, height):
        begin = starts + row * width
        found += [tf.gather(pixels, begin + column) * (share * part)[..., None] for column, part in columns]
    return call.gives(tf.add_n(found), channels_last(4))


def _near(call: Call, places: Any, size: int) -> Iterator[tuple[Any, Any]]:
    """The pixels around each place between -1 and 1, as whole numbers, and their weights: 0 outside of the image."""
    pixels = (places + 1) / 2 * (size - 1) if call["align_corners"] else ((places + 1) * size - 1) / 2
    is_border = call["padding_mode"] == "border"
    low, high = (0, size - 1) if is_border else (-2, size + 1)
    pixels = tf.clip_by_value(pixels, tf.cast(low, pixels.dtype), tf.cast(high, pixels.dtype))
    first = tf.round(pixels) if call["mode"] == "nearest" else tf.floor(pixels)
    around = [(first, tf.ones_like(first))]
    if call["mode"] == "bilinear":
        around = [(first, 1 - (pixels - first)), (first + 1, pixels - first)]
    for pixel, weight in around:
        if not is_border:
            weight = tf.where((pixel >= 0) & (pixel < size), weight, tf.zeros_like(weight))
        yield tf.clip_by_value(tf.cast(pixel, tf.int32), 0, size - 1), weight


def _resize(call: Call) -> Placed:
    order = channels_last(4)
    tensor = ordered(call.first, order)
    for axis, (size, new) in enumerate(zip(whole(call.first.shape[2:]), call["sizes"], strict=True), 1):
        places = _places(size, new, call["coordinates"])
        if call["mode"] == "nearest":
            tensor = tf.gather(tensor, _nearest(places, size, call["coordinates"]), axis=axis)
        elif new != size:
            tensor = along(tensor, _linear(places, size), axis)
    return call.gives(tensor, order)


def _places(size: int, new: int, coordinates: str) -> npt.NDArray[np.float64]:
    """Where each new pixel lies among the old ones."""
    pixel = np.arange(new)
    if coordinates == "half_pixel":
        return (pixel + 0.5) * size / new - 0.5
    return pixel * size / new if coordinates == "asymmetric" else pixel * (size - 1) / max(new - 1, 1)


def _nearest(places: npt.NDArray[np.float64], size: int, coordinates: str) -> npt.NDArray[np.int64]:
    nearest = np.floor(places if coordinates == "asymmetric" else places + 0.5)
    return np.clip(nearest.astype(np.int64), 0, size - 1)


def _linear(places: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    """How much of each old pixel each new one has."""
    places = np.clip(places, 0, size - 1)
    low = np.floor(places).astype(np.int64)
    high = np.minimum(low + 1, size - 1)
    matrix, rows = np.zeros((len(places), size)), np.arange(len(places))
    np.add.at(matrix, (rows, low), 1 - (places - low))
    np.add.at(matrix, (rows, high), places - low)
    return matrix


IMAGES: Mapping[str, Lowered] = {
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "GroupNormalization": _group_normalization,
    "LRN": _lrn,
    "GridSample": _grid_sample,
    "AffineGrid": _affine_grid,
    "Resize": _resize,
}
"""Each of these operators by its name."""
