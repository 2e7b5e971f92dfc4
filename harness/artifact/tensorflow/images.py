"""Rules for images in other sizes and positions."""

from __future__ import annotations

import numpy as np

from harness.artifact.reading import other_arguments
from harness.artifact.tensorflow.layout import as_before, channels_first
from harness.artifact.tensorflow.making import Item, Making
from harness.artifact.tensorflow.rules import Attribute, Only, rule
from harness.language.attributes import Choice, Flag, Whole
from harness.language.graph import Value
from harness.language.refusals import not_supported
from harness.language.sizes import Dimension, Dimensions

_FLAG = Attribute(Flag(), False)
_FOLDS = 2
"""How often a place is reflected at both borders: places up to four images away find theirs."""


@rule("ResizeBilinear ResizeNearestNeighbor", "11", align_corners=_FLAG, half_pixel_centers=_FLAG)
def resize(making: Making, x: Item, sizes: Item, *, align_corners: bool, half_pixel_centers: bool) -> Item:
    """Images of another height and width."""
    if align_corners and half_pixel_centers:
        raise other_arguments(making.node.operator)
    coordinates = "align_corners" if align_corners else "half_pixel" if half_pixel_centers else "asymmetric"
    mode = "linear" if making.node.operator == "ResizeBilinear" else "nearest"
    images = channels_first(making, x, "NHWC")
    result = making.emit("Resize", images, sizes=making.wholes(sizes), mode=mode, coordinates=coordinates)
    return as_before(making, result, "NHWC")


@rule(
    "ImageProjectiveTransformV3",
    "1111",
    interpolation=Attribute(Choice(("BILINEAR", "NEAREST"))),
    fill_mode=Attribute(Choice(("CONSTANT", "REFLECT", "WRAP", "NEAREST")), "CONSTANT"),
)
def transform(
    making: Making, x: Item, transforms: Item, sizes: Item, fill: Item, *, interpolation: str, fill_mode: str
) -> Item:
    """Each pixel of the result is taken from where its place is moved to: (a * x + b * y + c, d * x + e * y + f) for a
    transformation (a, b, c, d, e, f, 0, 0) of each image. Others, which are no affine maps, are not in the language."""
    images = channels_first(making, x, "NHWC")
    height, width = making.wholes(sizes)
    if fill_mode == "WRAP" or (fill_mode == "CONSTANT" and making.static(fill).items != [0.0]):
        raise not_supported("a motion of images that fills with anything but zeros, reflections or the border")
    theta = _normalized(making, _affine(making, making.value(transforms)), images, (height, width))
    size = (*images.shape[:2], height, width)
    grid = making.emit("AffineGrid", theta, size=size, align_corners=True)
    if fill_mode == "REFLECT":
        grid = _reflected(making, grid, images)
    grid = making.emit("StopGradient", grid)  # TensorFlow's operator has no gradient for where pixels are taken from
    around = "zeros" if fill_mode == "CONSTANT" else "border"
    settings = {"mode": interpolation.lower(), "padding_mode": around, "align_corners": True}
    return as_before(making, making.emit("GridSample", images, grid, **settings), "NHWC")


def _affine(making: Making, transforms: Value) -> Value:
    """The six numbers of each affine map, as (N, 2, 3): the other two must be zeros that were put behind them."""
    build, count = making.build, transforms.shape[0]
    padded = build.made_by(transforms, "Pad")
    if padded is not None and padded.attributes["pads"] == ((0, 0), (0, 2)) and padded.attributes["value"] == 0:
        return making.reshape(build.input(padded), (count, 2, 3))
    if transforms.shape[1:] == (8,) and _ends_in_zeros(making, transforms):
        return making.reshape(making.emit("Slice", transforms, axis=1, start=0, end=6, step=1), (count, 2, 3))
    raise not_supported("a motion of images by anything but an affine map")


def _ends_in_zeros(making: Making, transforms: Value) -> bool:
    """Whether the last two columns are zeros, which were written as such."""
    joined = making.build.made_by(transforms, "Concat")
    if joined is None or joined.attributes["axis"] != 1:
        return False
    last = [making.build.values[name] for name in joined.inputs[-2:]]
    widths = [value.shape[1] for value in last if _is_zero(making, value)]
    return widths == [1, 1] or (widths[-1:] == [2] and _is_zero(making, last[-1]))


def _is_zero(making: Making, value: Value) -> bool:
    build = making.build
    shaped = build.made_by(value, "Reshape")
    spread = build.made_by(build.input(shaped) if shaped else value, "Expand")
    return spread is not None and build.number(build.input(spread)) == 0


def _normalized(making: Making, theta: Value, images: Value, size: tuple[int, int]) -> Value:
    """Affine maps of pixels counted from 0, as maps of places from -1 to 1."""
    (above, across), (height, width) = (_last(making, d) for d in images.shape[2:]), (n - 1 for n in size)
    if not all((above, across, height, width)):
        raise not_supported("a motion of images of one row or column")
    factors = np.array([[width / across, height / across, 2 / across], [width / above, height / above, 2 / above]])
    scaled = making.emit("Mul", theta, making.build.constant(factors if above != across else factors[0]))
    moved = making.emit("Sub", making.emit("ReduceSum", scaled, axes=[2], keepdims=True), making.number(1))
    return making.emit("Concat", making.emit("Slice", scaled, axis=2, start=0, end=2, step=1), moved, axis=2)


def _last(making: Making, size: Dimension) -> int:
    if not isinstance(size, int):
        raise other_arguments(making.node.operator)
    return size - 1


def _reflected(making: Making, grid: Value, images: Value) -> Value:
    """Places beyond a border, which lies half a pixel outside of the last one, reflected at it."""
    last = [_last(making, d) for d in images.shape[:1:-1]]
    borders = [(n + 1) / n for n in last]
    border = making.number(borders[0]) if borders[0] == borders[1] else making.build.constant(np.array(borders))
    for _ in range(_FOLDS):
        low = making.emit("Sub", making.emit("Abs", making.emit("Add", grid, border)), border)
        grid = making.emit("Sub", border, making.emit("Abs", making.emit("Sub", border, low)))
    return grid


@rule("SpaceToDepth DepthToSpace", "1", block_size=Attribute(Whole(2, 64)), data_format=Attribute(Only("NHWC"), "NHWC"))
def blocks(making: Making, x: Item, *, block_size: int, data_format: str) -> Item:
    """Blocks of pixels as channels, or channels as blocks of pixels."""
    del data_format
    value = making.value(x)
    count, height, width, channels = value.shape
    if making.node.operator == "SpaceToDepth":
        height, width = height // block_size, width // block_size
        apart: Dimensions = (count, height, block_size, width, block_size, channels)
        whole: Dimensions = (count, height, width, channels * block_size * block_size)
    else:
        part = channels // (block_size * block_size)
        apart = (count, height, width, block_size, block_size, part)
        whole = (count, height * block_size, width * block_size, part)
    return making.reshape(making.transpose(making.reshape(value, apart), (0, 1, 3, 2, 4, 5)), whole)
