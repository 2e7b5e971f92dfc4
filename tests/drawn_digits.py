"""Digits drawn with strokes, as people draw them: what they are drawn on, in which colors and how large is requested."""

import io
import math

import numpy as np
from PIL import Image, ImageDraw

Point = tuple[float, float]


def arc(x: float, y: float, across: float, down: float, start: float, end: float) -> list[Point]:
    """Points of an ellipse round (x, y) from one angle to another, in degrees; 0 is right, 90 is below."""
    angles = np.linspace(math.radians(start), math.radians(end), 24)
    return [(x + across * math.cos(a), y + down * math.sin(a)) for a in angles]


STROKES: dict[int, list[list[Point]]] = {
    0: [arc(0.5, 0.5, 0.3, 0.45, 0, 360)],
    1: [[(0.5, 0.05), (0.5, 0.95)]],
    2: [[*arc(0.5, 0.3, 0.28, 0.25, 190, 400), (0.2, 0.92), (0.82, 0.92)]],
    3: [[*arc(0.45, 0.28, 0.27, 0.22, 210, 440), *arc(0.45, 0.71, 0.32, 0.24, 280, 510)]],
    4: [[(0.3, 0.08), (0.22, 0.5), (0.78, 0.5)], [(0.72, 0.1), (0.66, 0.95)]],
    5: [[(0.78, 0.08), (0.32, 0.08), (0.28, 0.45), *arc(0.46, 0.67, 0.3, 0.26, 240, 500)]],
    6: [[(0.62, 0.05), (0.32, 0.5), *arc(0.5, 0.7, 0.24, 0.24, 190, 550)]],
    7: [[(0.18, 0.1), (0.8, 0.1), (0.42, 0.95)]],
    8: [[*arc(0.5, 0.28, 0.22, 0.21, 90, 450)], [*arc(0.5, 0.72, 0.26, 0.23, -90, 270)]],
    9: [[*arc(0.5, 0.3, 0.24, 0.24, 0, 360), (0.74, 0.3), (0.64, 0.95)]],
}


def drawn(
    digit: int,
    size: tuple[int, int] = (200, 200),
    ink: tuple[int, ...] = (20, 20, 20),
    paper: tuple[int, ...] = (255, 255, 255),
    pen: float = 0.11,
    box: tuple[float, float, float] = (0.2, 0.15, 0.7),
) -> Image.Image:
    """A digit in the mode of its colors. `box` is left, top and side of the digit as shares of the picture's height;
    `pen` the width of its strokes as a share of that side."""
    fine = 1 if max(size) > 1000 else 4
    width, height = (side * fine for side in size)
    picture = Image.new(
        {1: "L", 3: "RGB", 4: "RGBA"}[len(paper)], (width, height), paper if len(paper) > 1 else paper[0]
    )
    pencil = ImageDraw.Draw(picture)
    left, top, side = (share * height for share in box)
    radius = max(pen * side / 2, 0.5)
    color = ink if len(ink) > 1 else ink[0]
    for stroke in STROKES[digit]:
        points = [(left + x * side, top + y * side) for x, y in stroke]
        pencil.line(points, color, width=max(1, round(2 * radius)), joint="curve")
        for x, y in (points[0], points[-1]):
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), color)
    return picture if fine == 1 else picture.resize(size, Image.Resampling.BOX)


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def photographed(picture: Image.Image, seed: int = 0) -> Image.Image:
    """The picture under light from one side, with grain, and with a speck of dirt."""
    values = np.asarray(picture.convert("RGB"), np.float64)
    rows, columns = np.mgrid[0 : 1 : values.shape[0] * 1j, 0 : 1 : values.shape[1] * 1j]
    light = 0.95 - 0.35 * columns - 0.15 * rows
    grain = np.random.default_rng(seed).normal(0, 4, values.shape)
    values = values * light[..., None] + grain
    values[8:11, -14:-10] = 40
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


WAYS = {
    "dark on light": lambda d: drawn(d),
    "light on dark": lambda d: drawn(d, ink=(240, 240, 240), paper=(10, 10, 10)),
    "gray": lambda d: drawn(d, ink=(60,), paper=(200,)),
    "red on green of the same brightness": lambda d: drawn(d, ink=(200, 40, 40), paper=(50, 110, 60)),
    "blue ink on yellow paper": lambda d: drawn(d, ink=(30, 40, 160), paper=(250, 240, 180)),
    "off-center": lambda d: drawn(d, (400, 300), box=(0.85, 0.05, 0.4)),
    "huge, thin strokes": lambda d: drawn(d, (3000, 2400), pen=0.03),
    "tiny": lambda d: drawn(d, (16, 16), pen=0.13, box=(0.1, 0.05, 0.9)),
    "up to the edge": lambda d: drawn(d, (150, 150), box=(0.0, 0.0, 1.0)),
    "transparent": lambda d: drawn(d, ink=(0, 0, 0, 255), paper=(0, 0, 0, 0)),
    "transparent, light ink": lambda d: drawn(d, ink=(255, 255, 255, 255), paper=(255, 255, 255, 0)),
    "photographed": lambda d: photographed(drawn(d, (640, 480), box=(0.3, 0.2, 0.6)), d),
    "palette": lambda d: drawn(d).quantize(8),
    "black and white": lambda d: drawn(d).convert("1"),
}
"""A digit in every way in which somebody may draw it."""
