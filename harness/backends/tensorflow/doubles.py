"""Operators for which TensorFlow has no kernel in float64, or none with gradients, put together from others.

They stand for its own in a graph that is replayed in float64, and are compared with its own in float32.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.windows import Pads, Window, convolved, padded

_FIRST = ("NCHW", "NCDHW")


def _last(images: Any, data_format: str) -> Any:
    """Images with their channels last."""
    rank = len(images.shape)
    return tf.transpose(images, [0, *range(2, rank), 1]) if data_format in _FIRST else images


def _back(images: Any, data_format: str) -> Any:
    rank = len(images.shape)
    return tf.transpose(images, [0, rank - 1, *range(1, rank - 1)]) if data_format in _FIRST else images


def _sizes(values: Sequence[int], data_format: str) -> tuple[int, ...]:
    """An attribute's entries for rows, columns and so on."""
    return tuple(values[2:] if data_format in _FIRST else values[1:-1])


def _pads(
    padding: str,
    explicit: Sequence[int],
    lengths: Sequence[int],
    reach: Sequence[int],
    strides: Sequence[int],
    data_format: str,
) -> Pads:
    """What each side of the images gets, for windows that reach so far."""
    if padding == "EXPLICIT":
        pairs = [tuple(explicit[k : k + 2]) for k in range(0, len(explicit), 2)]
        return tuple((before, after) for before, after in (pairs[2:] if data_format in _FIRST else pairs[1:-1]))
    if padding == "VALID":
        return ((0, 0),) * len(lengths)
    extras = [max(0, (-(-n // s) - 1) * s + k - n) for n, k, s in zip(lengths, reach, strides, strict=True)]
    return tuple((extra // 2, extra - extra // 2) for extra in extras)


def _window(images: Any, kernel: Sequence[int], attributes: Mapping[str, Any]) -> Window:
    """The window of a convolution or a pool over images with their channels last."""
    data_format = attributes.get("data_format", "N")
    lengths = tuple(images.shape[1:-1])
    strides = _sizes(attributes["strides"], data_format)
    dilations = _sizes(attributes.get("dilations") or [1] * (len(lengths) + 2), data_format)
    reach = [1 + (k - 1) * hole for k, hole in zip(kernel, dilations, strict=True)]
    explicit = attributes.get("explicit_paddings", ())
    pads = _pads(attributes["padding"], explicit, lengths, reach, strides, data_format)
    return Window(lengths, tuple(kernel), strides, pads, dilations)


def _conv(**given: Any) -> Any:
    """Conv2D and Conv3D. Groups follow from the shapes."""
    kernel = given["filter"]
    images = _last(given["input"], given.get("data_format", "N"))
    window = _window(images, kernel.shape[:-2], given)
    group = images.shape[-1] // kernel.shape[-2]
    return _back(convolved(images, kernel, window, group, kernel.shape[-2]), given.get("data_format", "N"))


def _depthwise(**given: Any) -> Any:
    kernel = given["filter"]
    images = _last(given["input"], given.get("data_format", "N"))
    window = _window(images, kernel.shape[:2], given)
    channels, filters = kernel.shape[2:]
    flat = tf.reshape(kernel, [*kernel.shape[:2], 1, channels * filters])
    return _back(convolved(images, flat, window, channels, 1), given.get("data_format", "N"))


def _pool(combine: Callable[[Sequence[Any], Any], Any], outside: float, name: str, **given: Any) -> Any:
    """Each place of the window at once: what lies there in all its positions."""
    data_format = given.get("data_format", "N")
    images = _last(given[name], data_format)
    window = _window(images, _sizes(given["ksize"], data_format), given)
    return _back(
        combine(_places(padded(images, window.pads, outside), window), _places_counted(images, window)), data_format
    )


def _places(images: Any, window: Window) -> list[Any]:
    sizes = zip(images.shape[1:-1], window.kernel, window.strides, strict=True)
    ends = [(n - k) // s * s + 1 for n, k, s in sizes]
    cuts = (
        [slice(start, start + end, s) for start, end, s in zip(place, ends, window.strides, strict=True)]
        for place in product(*map(range, window.kernel))
    )
    return [images[(slice(None), *cut)] for cut in cuts]


def _places_counted(images: Any, window: Window) -> Any:
    """How many numbers of each window are not pads."""
    return sum(_places(padded(tf.ones_like(images), window.pads), window))


def _largest(places: Sequence[Any], _: Any) -> Any:
    return functools.reduce(tf.maximum, places)


def _mean(places: Sequence[Any], counts: Any) -> Any:
    return sum(places) / counts


def _lrn(input: Any, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5) -> Any:
    squares = tf.pad(tf.square(input), [(0, 0), (0, 0), (0, 0), (depth_radius, depth_radius)])
    channels = input.shape[-1]
    total = sum(squares[..., start : start + channels] for start in range(min(2 * depth_radius + 1, squares.shape[-1])))
    return input / tf.pow(bias + alpha * total, beta)


def _fused(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any,
    variance: Any,
    epsilon: float = 1e-4,
    exponential_avg_factor: float = 1.0,
    data_format: str = "NHWC",
    is_training: bool = True,
) -> list[Any]:
    """FusedBatchNormV3: the result, and in training the batch's mean and its variance divided by n - 1."""
    del exponential_avg_factor
    images = _last(x, data_format)
    if is_training:
        mean, variance = tf.nn.moments(images, list(range(len(images.shape) - 1)))
    result = (images - mean) * tf.math.rsqrt(variance + tf.cast(epsilon, x.dtype)) * scale + offset
    count = tf.cast(tf.size(images) // images.shape[-1], x.dtype)
    unbiased = variance * count / (count - 1) if is_training else variance
    return [_back(result, data_format), mean, unbiased, mean, variance, tf.zeros_like(variance)]


def _bilinear(images: Any, size: Any, align_corners: bool = False, half_pixel_centers: bool = False) -> Any:
    """ResizeBilinear, which gives float32 whatever it is given."""
    for axis, length in enumerate(map(int, size), 1):
        old = images.shape[axis]
        scale = (old - 1) / (length - 1) if align_corners and length > 1 else old / length
        half = 0.5 if half_pixel_centers else 0.0
        places = (tf.range(length, dtype=images.dtype) + half) * scale - half
        before, after = (tf.clip_by_value(tf.cast(f(places), tf.int64), 0, old - 1) for f in (tf.floor, tf.math.ceil))
        shares = tf.reshape(places - tf.floor(places), [1, -1, 1, 1] if axis == 1 else [1, 1, -1, 1])
        images = tf.gather(images, before, axis=axis) * (1 - shares) + tf.gather(images, after, axis=axis) * shares
    return images


def _conv_back(**given: Any) -> Any:
    """Conv2DBackpropInput with dilations: filters with zeros between their numbers."""
    holes = _sizes(given.pop("dilations", [1, 1, 1, 1]), given.get("data_format", "N"))
    kernel = given["filter"]
    for axis, hole in enumerate(holes):
        apart = tf.expand_dims(kernel, axis + 1)
        apart = tf.pad(apart, [(0, hole - 1) if k == axis + 1 else (0, 0) for k in range(5)])
        sizes = [*kernel.shape]
        sizes[axis] *= hole
        kernel = tf.gather(tf.reshape(apart, sizes), tf.range(sizes[axis] - hole + 1), axis=axis)
    return tf.raw_ops.Conv2DBackpropInput(**{**given, "filter": kernel})


def _projected(
    images: Any,
    transforms: Any,
    output_shape: Any,
    fill_value: Any,
    interpolation: str,
    fill_mode: str = "CONSTANT",
) -> Any:
    """ImageProjectiveTransformV3 with the gradient that TensorFlow has for it: the images moved back, and none for the
    transforms."""
    transforms = tf.stop_gradient(transforms)
    size = [int(length) for length in output_shape]

    @tf.custom_gradient
    def moved(pixels: Any) -> Any:
        def gradient(above: Any) -> Any:
            back = _sampled(above, _inverse(transforms), pixels.shape[1:3], interpolation, fill_mode)
            return tf.cast(back, pixels.dtype)

        return _sampled(pixels, transforms, size, interpolation, fill_mode, fill_value), gradient

    return moved(images)


def _inverse(transforms: Any) -> Any:
    ones = tf.ones_like(transforms[:, :1])
    matrices = tf.reshape(tf.concat([transforms, ones], 1), [-1, 3, 3])
    flat = tf.reshape(tf.linalg.inv(matrices), [-1, 9])
    return (flat / flat[:, 8:])[:, :8]


def _sampled(
    images: Any, transforms: Any, size: Sequence[int], interpolation: str, fill_mode: str, fill_value: Any = 0.0
) -> Any:
    """For each new pixel (x, y), what is at its place in the old image."""
    rows, columns = tf.meshgrid(*(tf.range(length, dtype=transforms.dtype) for length in size), indexing="ij")
    a = [number[:, None, None] for number in tf.unstack(tf.broadcast_to(transforms, [images.shape[0], 8]), axis=1)]
    scale = a[6] * columns + a[7] * rows + 1
    places = [(a[k] * columns + a[k + 1] * rows + a[k + 2]) / scale for k in (0, 3)]
    x, y = (_mapped(place, images.shape[2 - axis], fill_mode) for axis, place in enumerate(places))
    fill = tf.cast(fill_value, images.dtype)
    if interpolation == "NEAREST":
        row, column = (tf.sign(place) * tf.floor(tf.abs(place) + 0.5) for place in (y, x))
        return _pixels(images, row, column, fill)
    top, left = tf.floor(y), tf.floor(x)
    down, right = (tf.cast(part, images.dtype)[..., None] for part in (y - top, x - left))
    upper = _pixels(images, top, left, fill) * (1 - right) + _pixels(images, top, left + 1, fill) * right
    lower = _pixels(images, top + 1, left, fill) * (1 - right) + _pixels(images, top + 1, left + 1, fill) * right
    return upper * (1 - down) + lower * down


def _mapped(place: Any, length: int, fill_mode: str) -> Any:
    """Where a place outside of the image is inside of it; where it is, for CONSTANT."""
    if fill_mode == "CONSTANT":
        return place
    if fill_mode == "REFLECT":  # dcba|abcd|dcba
        around = tf.math.floormod(place, 2.0 * length)
        place = tf.where(place < 0, tf.math.floormod(-place - 1, 2.0 * length), around)
        place = tf.where(place >= length, 2 * length - 1 - place, place)
    elif fill_mode == "WRAP":  # abcd|abcd|abcd, by its formula, which goes wrong further out
        turns = tf.floor(tf.abs(place) / max(length - 1, 1))
        place = tf.where(
            place < 0, place + length * (turns + 1), tf.where(place > length - 1, place - length * turns, place)
        )
    return tf.clip_by_value(place, tf.cast(0, place.dtype), tf.cast(length - 1, place.dtype))


def _pixels(images: Any, row: Any, column: Any, fill: Any) -> Any:
    height, width = images.shape[1:3]
    is_inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    y, x = (tf.cast(tf.where(is_inside, place, tf.zeros_like(place)), tf.int64) for place in (row, column))
    number = tf.broadcast_to(tf.range(images.shape[0], dtype=tf.int64)[:, None, None], y.shape)
    return tf.where(is_inside[..., None], tf.gather_nd(images, tf.stack([number, y, x], -1)), fill)


DOUBLES: Mapping[str, Callable[..., Any]] = {
    "Conv2D": _conv,
    "DepthwiseConv2dNative": _depthwise,
    "MaxPool3D": functools.partial(_pool, _largest, -float("inf"), "input"),
    "AvgPool3D": functools.partial(_pool, _mean, 0.0, "input"),
    "LRN": _lrn,
    "FusedBatchNormV3": _fused,
    "ResizeBilinear": _bilinear,
    "Conv2DBackpropInput": _conv_back,
    "ImageProjectiveTransformV3": _projected,
}
"""By TensorFlow's name, each with the same inputs and attributes."""
