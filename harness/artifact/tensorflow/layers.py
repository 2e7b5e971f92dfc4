"""Rules for convolutions and pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.artifact.reading import other_arguments
from harness.artifact.tensorflow.layout import (
    FIRST,
    FORMATS,
    as_before,
    channels_first,
    explicit_pads,
    kernel_first,
    of_space,
    pads_of,
)
from harness.artifact.tensorflow.making import Apart, Item, Making
from harness.artifact.tensorflow.rules import IGNORED_FLAG, Attribute, rule
from harness.language.attributes import Choice, Wholes
from harness.language.graph import Value
from harness.language.refusals import not_supported
from harness.language.sizes import Dimension

_WINDOW = Wholes(1, 4096)
_STRIDES = Attribute(_WINDOW)
_DILATIONS = Attribute(_WINDOW, (1, 1, 1, 1))
_EXPLICIT = Attribute(Wholes(0, 4096), ())
_FORMAT = Attribute(Choice(FORMATS), "NHWC")
_VOLUMES = Attribute(Choice(("NDHWC", "NCDHW")), "NDHWC")
_PADDING = Attribute(Choice(("SAME", "VALID")))
_ANY_PADDING = Attribute(Choice(("SAME", "VALID", "EXPLICIT")))
_CONV = {
    "strides": _STRIDES,
    "padding": _ANY_PADDING,
    "explicit_paddings": _EXPLICIT,
    "data_format": _FORMAT,
    "dilations": _DILATIONS,
}


@rule("Conv2D", "11", use_cudnn_on_gpu=IGNORED_FLAG, **_CONV)
def conv2d(making: Making, x: Item, w: Item, **settings: Any) -> Item:
    """Filters are (height, width, inputs, outputs); fewer inputs than channels make groups."""
    filters = kernel_first(making, w)
    return _convolved(making, x, filters, None, **settings)


@rule("DepthwiseConv2dNative", "11", **_CONV)
def depthwise(making: Making, x: Item, w: Item, **settings: Any) -> Item:
    """Filters are (height, width, channels, filters for each channel)."""
    kernel = making.transpose(w, (2, 3, 0, 1))
    channels, times, *sizes = kernel.shape
    filters = making.reshape(kernel, (channels * times, 1, *sizes))
    return _convolved(making, x, filters, channels, **settings)


@rule(
    "Conv3D",
    "11",
    strides=_STRIDES,
    padding=_PADDING,
    data_format=_VOLUMES,
    dilations=Attribute(_WINDOW, (1, 1, 1, 1, 1)),
)
def conv3d(making: Making, x: Item, w: Item, **settings: Any) -> Item:
    """As Conv2D, with a depth."""
    return _convolved(making, x, kernel_first(making, w), None, explicit_paddings=(), **settings)


def _convolved(
    making: Making,
    x: Item,
    filters: Value,
    groups: Dimension | None,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
) -> Item:
    if isinstance(x, Apart):
        is_plain = (padding, data_format, {*strides, *dilations}) == ("VALID", "NHWC", {1})
        return _together(making, x, filters, groups) if is_plain else making.value(x)
    images = channels_first(making, x, data_format)
    steps, apart = (of_space(making, each, data_format) for each in (strides, dilations))
    pads = _pads(making, images, filters.shape[2:], steps, apart, padding, explicit_paddings, data_format)
    group = _groups(making, images, filters, groups)
    result = making.emit("Conv", images, filters, strides=steps, pads=pads, dilations=apart, group=group)
    return as_before(making, result, data_format)


def _groups(making: Making, images: Value, filters: Value, groups: Dimension | None) -> int:
    """How many equal parts the channels come in."""
    channels, inputs = images.shape[1], filters.shape[1]
    if not isinstance(channels, int) or not isinstance(inputs, int) or not inputs or channels % inputs:
        raise other_arguments(making.node.operator)
    if groups is not None and groups != channels:
        raise other_arguments(making.node.operator)
    return channels // inputs


def _pads(
    making: Making,
    images: Value,
    kernel: Sequence[Dimension],
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
    explicit: Sequence[int],
    data_format: str,
) -> list[tuple[int, int]]:
    if (padding == "EXPLICIT") != bool(explicit):
        raise other_arguments(making.node.operator)
    if explicit:
        return explicit_pads(making, explicit, data_format)
    return pads_of(making, images.shape[2:], kernel, strides, dilations, padding)


@rule("SpaceToBatchND", "111")
def space_to_batch(making: Making, x: Item, block: Item, paddings: Item) -> Item:
    """The first half of a convolution with dilations."""
    images, steps, pads = making.value(x), making.wholes(block), making.wholes(paddings)
    if len(pads) != 2 * len(steps) or min((*steps, *pads), default=0) < 0 or len(steps) > images.rank - 2:
        raise other_arguments("SpaceToBatchND")
    return Apart(images, steps, tuple(zip(pads[::2], pads[1::2], strict=True)))


def _together(making: Making, x: Apart, filters: Value, groups: Dimension | None) -> Item:
    """Images that are apart, with the filters of their convolution."""
    images = channels_first(making, x.images, "NHWC")
    if x.filters is not None:
        return making.value(x)
    if x.is_tall:
        filters = making.reshape(filters, (*filters.shape[:2], *filters.shape[3:]))
    return replace(x, filters=filters, group=_groups(making, images, filters, groups))


@rule("BatchToSpaceND", "111")
def batch_to_space(making: Making, x: Item, block: Item, crops: Item) -> Item:
    """The second half of a convolution with dilations. What is cropped needs less padding."""
    if not isinstance(x, Apart) or x.filters is None or x.is_tall:
        raise not_supported("BatchToSpaceND other than around a convolution")
    cut = making.wholes(crops)
    if making.wholes(block) != x.block or len(cut) != 2 * len(x.block):
        raise other_arguments("BatchToSpaceND")
    pads = [
        (before - first, after - last) for (before, after), first, last in zip(x.pads, cut[::2], cut[1::2], strict=True)
    ]
    rest = x.images.rank - 2 - len(x.block)
    images = channels_first(making, x.images, "NHWC")
    settings = {"pads": [*pads, *[(0, 0)] * rest], "dilations": [*x.block, *[1] * rest]}
    strides = [1] * (x.images.rank - 2)
    result = making.emit("Conv", images, x.filters, strides=strides, group=x.group, **settings)
    return as_before(making, result, "NHWC")


@rule("Conv2DBackpropInput", "111", use_cudnn_on_gpu=IGNORED_FLAG, **_CONV)
def conv_transpose(
    making: Making,
    sizes: Item,
    w: Item,
    x: Item,
    *,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
) -> Item:
    """The transposed convolution, to an image of the given size: of a convolution that would give X for it."""
    images, filters = channels_first(making, x, data_format), kernel_first(making, w)
    steps, apart = (of_space(making, each, data_format) for each in (strides, dilations))
    wanted = making.sizes(sizes)
    lengths = wanted[2:] if data_format in FIRST else wanted[1:-1]
    if len(wanted) != images.rank:
        raise other_arguments(making.node.operator)
    kernel = filters.shape[2:]
    pads = _pads(making, images, kernel, steps, apart, "VALID", (), data_format)
    if padding == "SAME":
        pads = pads_of(making, lengths, kernel, steps, apart, padding)
    elif padding == "EXPLICIT":
        pads = explicit_pads(making, explicit_paddings, data_format)
    more = [
        wanted_length - ((length - 1) * step + dilation * (width - 1) + 1 - sum(pad))
        for wanted_length, length, step, dilation, width, pad in zip(
            lengths, images.shape[2:], steps, apart, kernel, pads, strict=True
        )
    ]
    result = making.emit(
        "ConvTranspose", images, filters, strides=steps, pads=pads, dilations=apart, group=1, output_padding=more
    )
    given = as_before(making, result, data_format)
    if given.shape != wanted:
        raise other_arguments(making.node.operator)
    return given


@rule(
    "MaxPool",
    "1",
    ksize=_STRIDES,
    strides=_STRIDES,
    padding=_ANY_PADDING,
    explicit_paddings=_EXPLICIT,
    data_format=_FORMAT,
)
def max_pool(making: Making, x: Item, **settings: Any) -> Item:
    """The largest number in each window."""
    return _pooled(making, "MaxPool", x, **settings)


@rule("AvgPool", "1", ksize=_STRIDES, strides=_STRIDES, padding=_PADDING, data_format=_FORMAT)
def average_pool(making: Making, x: Item, **settings: Any) -> Item:
    """The mean of each window, without pads."""
    return _pooled(making, "AveragePool", x, explicit_paddings=(), **settings)


@rule("MaxPool3D", "1", ksize=_STRIDES, strides=_STRIDES, padding=_PADDING, data_format=_VOLUMES)
def max_pool3d(making: Making, x: Item, **settings: Any) -> Item:
    """The largest number in each window of a volume."""
    return _pooled(making, "MaxPool", x, explicit_paddings=(), **settings)


@rule("AvgPool3D", "1", ksize=_STRIDES, strides=_STRIDES, padding=_PADDING, data_format=_VOLUMES)
def average_pool3d(making: Making, x: Item, **settings: Any) -> Item:
    """The mean of each window of a volume, without pads."""
    return _pooled(making, "AveragePool", x, explicit_paddings=(), **settings)


def _pooled(
    making: Making,
    operator: str,
    x: Item,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
) -> Item:
    images = channels_first(making, x, data_format)
    kernel, steps = (of_space(making, each, data_format) for each in (ksize, strides))
    apart = [1] * len(kernel)
    pads = _pads(making, images, kernel, steps, apart, padding, explicit_paddings, data_format)
    result = making.emit(operator, images, kernel_shape=kernel, strides=steps, pads=pads, dilations=apart)
    return as_before(making, result, data_format)
