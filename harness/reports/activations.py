"""How a model processes a picture: the input as the model sees it, then each layer's activations. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.model.visible import SIDE, Activation, Prediction
from harness.reports import layer_wording, page, wording
from harness.reports.digits import address
from harness.reports.neutral import clean, neutral
from harness.reports.predicted import guess
from harness.reports.svg import Box, svg_file

WIDTH = 760
_INPUT = 112
_GAP = 4
_MOST_MAPS = 64
_CELLS = 128
"""Units of a dense layer in one row."""


@dataclass(frozen=True)
class Tile:
    """A gray picture at its position."""

    href: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Stage:
    """One layer: what it is, and its output."""

    title: str
    y: float
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Panel:
    """One picture passing through the model."""

    title: str
    y: float
    tiles: tuple[Tile, ...]
    probabilities: tuple[tuple[int, float, str], ...]
    stages: tuple[Stage, ...]


def activations_svg(submission: str, predictions: Sequence[Prediction]) -> str:
    """The file that `predict --show` writes. Brightness runs from the smallest to the largest value of a layer."""
    panels: list[Panel] = []
    bottom = 0.0
    for item in predictions:
        if not item.problem:
            panel, bottom = _panel(item, bottom)
            panels.append(panel)
    macro = page.environment().get_template("activations.html").module
    body = macro.activations(panels)  # type: ignore[attr-defined]
    title = f"How {clean(submission)} reads {wording.listed([p.title for p in panels]) or 'no picture'}"
    return svg_file(title, Box(-16, -16, WIDTH + 32, math.ceil(bottom) + 16), body, "activations.css")


def _panel(item: Prediction, top: float) -> tuple[Panel, float]:
    first, second, *_ = item.guesses
    title = f"{clean(item.picture)}: {guess(item, first)}, then {guess(item, second)}"
    y = top + 24
    height = len(item.thumbnail) // item.thumbnail_width
    tiles = (
        Tile(address(item.thumbnail, item.thumbnail_width), 0, y, *_fitted(item.thumbnail_width, height)),
        Tile(address(item.digit, SIDE), _INPUT + 24, y, _INPUT, _INPUT),
    )
    bars = tuple((c, round(340 * p, 1), wording.accuracy(p, 1)) for c, p in enumerate(item.probabilities))
    stages = tuple(_stages(item.activations, y + _INPUT + 30))
    bottom = max((tile.y + tile.height for stage in stages for tile in stage.tiles), default=y + _INPUT)
    return Panel(title, y, tiles, bars, stages), bottom + 40


def _fitted(width: int, height: int) -> tuple[float, float]:
    """The size at which a picture fits into the square of the input, with its proportions."""
    scale = _INPUT / max(width, height)
    return round(width * scale, 1), round(height * scale, 1)


def _stages(activations: Sequence[Activation], top: float) -> Iterator[Stage]:
    for activation in activations:
        tiles = tuple(_tiles(activation.values, top + 12))
        yield Stage(_title(activation), top, tiles)
        top = max(tile.y + tile.height for tile in tiles) + 30


def _title(activation: Activation) -> str:
    """`conv1 · convolution 5x5, padding 2 · 6x28x28`, and how much of it is shown."""
    layer, values = neutral(activation.layer), activation.values
    parts = [layer.label, layer_wording.layer_kind(layer), wording.shape(values.shape)]
    hidden = len(values) - _MOST_MAPS if values.ndim == 3 else 0
    parts += [f"the first {_MOST_MAPS} maps"] * (hidden > 0)
    return " · ".join(part for part in parts if part)


def _tiles(values: npt.NDArray[np.float32], top: float) -> Iterator[Tile]:
    gray = _gray(values)
    if values.ndim != 3:
        yield from _lines(gray.ravel(), top)
        return
    height, width = gray.shape[1:]
    scale = min(56 / max(height, width), 12)
    across, down = round(width * scale, 1), round(height * scale, 1)
    columns = max(1, int((WIDTH + _GAP) // (across + _GAP)))
    for at, image in enumerate(gray[:_MOST_MAPS]):
        x, y = at % columns * (across + _GAP), top + at // columns * (down + _GAP)
        yield Tile(address(image.tobytes(), width), round(x, 1), round(y, 1), across, down)


def _lines(units: npt.NDArray[np.uint8], top: float) -> Iterator[Tile]:
    """Units side by side, as many per row as fit; of very many, the first rows."""
    cell = min(WIDTH / min(len(units), _CELLS), 24)
    for line, start in enumerate(range(0, min(len(units), 16 * _CELLS), _CELLS)):
        part = units[start : start + _CELLS]
        yield Tile(address(part.tobytes(), len(part)), 0, top + 18 * line, round(cell * len(part), 1), 16)


def _gray(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """A byte per value: 0 for the smallest, 255 for the largest of the layer."""
    low, high = float(values.min()), float(values.max())
    spread = (values.astype(np.float64) - low) / ((high - low) or 1.0)
    return np.rint(255 * spread).astype(np.uint8)
