"""The meaning of the operators that sample images at places between their pixels: (N, channels, height, width)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.language.elementwise import Array, Floats, Meaning


def grid_sample(x: Floats, grid: Floats, *, mode: str, padding_mode: str, align_corners: bool) -> Floats:
    """X at each place (across, down) of the grid. -1 and 1 are the centers of the outermost pixels with
    `align_corners`, else their outer edges. Outside of X there are zeros, or its border.

    `nearest` takes the nearest pixel, of two the even one, and has no gradient with respect to the grid. `bilinear`
    weights the four around: at a pixel's center the subgradient is that of the cell to the right of it or below. Where
    `border` holds a place back, and at the border itself, the subgradient is 0.
    """
    across, down = (_places(grid[..., k], x.shape[3 - k], align_corners, padding_mode) for k in (0, 1))
    if mode == "nearest":
        return _pixels(x, np.rint(down), np.rint(across))
    left, top = np.floor(across), np.floor(down)
    right, low = (across - left)[:, None], (down - top)[:, None]
    upper = _pixels(x, top, left) * (1 - right) + _pixels(x, top, left + 1) * right
    lower = _pixels(x, top + 1, left) * (1 - right) + _pixels(x, top + 1, left + 1) * right
    return upper * (1 - low) + lower * low


def _places(positions: Floats, size: int, align_corners: bool, padding_mode: str) -> Floats:
    """From -1 to 1, to pixels from 0."""
    places = (positions + 1) / 2 * (size - 1) if align_corners else ((positions + 1) * size - 1) / 2
    return np.clip(places, 0, size - 1) if padding_mode == "border" else places


def _pixels(x: Floats, down: Floats, across: Floats) -> Floats:
    """The pixels at whole places; 0 outside."""
    height, width = x.shape[2:]
    is_inside = (down >= 0) & (down < height) & (across >= 0) & (across < width)
    rows, columns = (np.where(is_inside, places, 0).astype(np.int64) for places in (down, across))
    images = np.arange(x.shape[0])[:, None, None]
    return np.moveaxis(np.where(is_inside[..., None], x[images, :, rows, columns], 0.0), -1, 1)


def affine_grid(theta: Floats, *, size: tuple[int, ...], align_corners: bool) -> Floats:
    """theta times (across, down, 1) for each pixel of an image of this size, with coordinates as in GridSample."""
    height, width = size[2:]
    down, across = np.meshgrid(_coordinates(height, align_corners), _coordinates(width, align_corners), indexing="ij")
    places = np.stack([across, down, np.ones_like(across)], axis=-1)
    return np.asarray(np.einsum("hwk,nik->nhwi", places, theta))


def _coordinates(size: int, align_corners: bool) -> Floats:
    if align_corners:
        return np.linspace(-1.0, 1.0, size) if size > 1 else np.zeros(1)
    return (2 * np.arange(size) + 1) / size - 1


def resize(x: Floats, *, sizes: Sequence[int], mode: str, coordinates: str) -> Floats:
    """X with other heights and widths. Pixel k of n is at (k + 1/2) * size / n - 1/2 of X for `half_pixel`, at
    k * size / n for `asymmetric`, at k * (size - 1) / (n - 1) for `align_corners`.

    `nearest` takes the nearest pixel, of two the later one; for `asymmetric` the one at or before it. `linear` weights
    the two around, along each axis; beyond the outermost pixels there are none but those.
    """
    for axis, count in zip((2, 3), sizes, strict=True):
        x = (_nearest if mode == "nearest" else _linear)(x, axis, count, coordinates)
    return x


def _sources(size: int, count: int, coordinates: str) -> tuple[Array, int]:
    """Where each pixel is in X, as a numerator and a common denominator, so that ties are exact."""
    k = np.arange(count)
    if coordinates == "half_pixel":
        return (2 * k + 1) * size - count, 2 * count
    return (k * size, count) if coordinates == "asymmetric" else (k * (size - 1), max(count - 1, 1))


def _nearest(x: Floats, axis: int, count: int, coordinates: str) -> Floats:
    places, scale = _sources(x.shape[axis], count, coordinates)
    rounded = places // scale if coordinates == "asymmetric" else (2 * places + scale) // (2 * scale)
    return np.asarray(np.take(x, np.clip(rounded, 0, x.shape[axis] - 1), axis=axis))


def _linear(x: Floats, axis: int, count: int, coordinates: str) -> Floats:
    places, scale = _sources(x.shape[axis], count, coordinates)
    last = x.shape[axis] - 1
    places = np.clip(places / scale, 0, last)
    before = np.floor(places).astype(np.int64)
    weight = (places - before).reshape(-1, *[1] * (x.ndim - 1 - axis))
    after = np.minimum(before + 1, last)
    return np.asarray(np.take(x, before, axis=axis) * (1 - weight) + np.take(x, after, axis=axis) * weight)


SPATIAL: Mapping[str, Meaning] = {"GridSample": grid_sample, "AffineGrid": affine_grid, "Resize": resize}
