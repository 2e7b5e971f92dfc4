"""Any picture of one handwritten digit, brought to the form of MNIST's images. Runs in a locked child.

LeCun et al. 1998, section III.A: the digit is scaled into 20x20 with its proportions kept, and placed in 28x28 with its
center of mass in the middle. In MNIST's own files that is pixel (14, 14), counted from 0, to the nearest whole pixel;
an MNIST image without dirt therefore comes out unchanged.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage

from harness.records.errors import SubmissionError

SIDE = 28
MOST_PIXELS = 50_000_000
THUMBNAIL = 112
_BOX = 20
_CENTER = 14
_LONGEST = 1600
_FORMATS = ("PNG", "JPEG")
_CLEARER = "draw the digit with a darker pen, and let the picture show only the digit on its paper"
_LEAST_CONTRAST = 20.0
_INK = 0.15
"""Share of the darkest ink at which a pixel counts as ink: fainter ones do not make the digit larger."""
_SPECK = 0.05
"""Marks with less than this share of the heaviest mark's ink are dirt."""
_FINEST = 5
"""Digits of fewer pixels get no rim: it would be so wide, scaled up with them, that they do not fit into 28x28."""
_PEN = 1.8
"""Strokes get at least this wide, in pixels of the 20x20 box: thinner ones would fade when they are scaled down."""

Gray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Normalized:
    """A digit as MNIST has it, (28, 28) uint8 with bright ink, and the original picture, small and gray."""

    digit: npt.NDArray[np.uint8]
    thumbnail: npt.NDArray[np.uint8]


def normalize(content: bytes) -> Normalized:
    """The digit in a PNG or JPEG file. Raises SubmissionError for a file that is neither, is too large, or has no
    digit."""
    picture = _opened(content)
    gray = _gray(picture)
    return Normalized(to_mnist(gray), _thumbnail(gray))


def _opened(content: bytes) -> Image.Image:
    """The decoded picture, upright and of a size that can be worked with, in RGB or RGBA."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # its decompression bomb warning: the size is checked below, before decoding
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
            if math.prod(picture.size) > MOST_PIXELS:
                raise _refuse(f"{picture.width}x{picture.height} pixels", "make it smaller")
            return _in_color(ImageOps.exif_transpose(picture))
    except (SubmissionError, MemoryError):
        raise
    except Exception as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> SubmissionError:
    if isinstance(error, Image.DecompressionBombError):
        return _refuse("hundreds of millions of pixels", "make it smaller")
    if isinstance(error, UnidentifiedImageError):
        return _refuse("a file of another kind", "save it as PNG or JPEG")
    return _refuse(f"a damaged file ({error})"[:200], "save it again as PNG or JPEG")


def _in_color(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits of gray, which Pillow would cut off instead of scaling
        deep = np.asarray(picture, np.float64)
        picture = Image.fromarray((deep / max(deep.max(), 1) * 255).astype(np.uint8))
    picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if max(picture.size) > _LONGEST:
        picture.thumbnail((_LONGEST, _LONGEST), Image.Resampling.BOX)
    return picture


def _refuse(found: str, advice: str) -> SubmissionError:
    expected = f"a PNG or JPEG picture of one digit, at most {MOST_PIXELS // 1_000_000} million pixels"
    return SubmissionError("image", expected, found, advice)


def _gray(picture: Image.Image) -> Gray:
    """(height, width): the mix of red, green and blue that separates ink from paper best."""
    colors = np.asarray(picture, np.float64)
    if colors.shape[2] == 4:
        colors = _composed(colors[..., :3], colors[..., 3:] / 255)
    if (colors == colors[..., :1]).all():
        return colors[..., 0]
    flat = colors.reshape(-1, 3)
    axis = np.linalg.eigh(np.cov(flat, rowvar=False, bias=True))[1][:, -1]
    axis = axis if axis.sum() > 0 else -axis
    gray: Gray = (colors @ axis).reshape(colors.shape[:2])
    return gray


def _composed(colors: npt.NDArray[np.float64], alpha: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Transparent parts become paper: white under dark ink, black under light ink."""
    visible = (colors * alpha).sum() / max(3 * alpha.sum(), 1e-9)
    paper = 255.0 if visible < 128 else 0.0
    return colors * alpha + paper * (1 - alpha)


def to_mnist(gray: Gray) -> npt.NDArray[np.uint8]:
    """(28, 28) with bright ink, from a gray picture (height, width). Raises SubmissionError where nothing is drawn."""
    ink = _without_specks(_ink(gray))
    side = max(_extent(ink, _INK, axis)[1] - _extent(ink, _INK, axis)[0] for axis in (0, 1))
    rim = math.ceil(side / _BOX) if side >= _FINEST else 0
    ink = _cut(_thickened(ink, side / _BOX), rim)
    height, width = (max(1, round(length * _BOX / side)) for length in ink.shape)
    small = Image.fromarray(ink.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return _centered(np.clip(np.asarray(small, np.float64), 0, None))


def _extent(ink: Gray, least: float, axis: int) -> tuple[int, int]:
    """First and one behind the last row (axis 0) or column (axis 1) with ink of at least this share of the darkest."""
    found = np.flatnonzero((ink > least * ink.max()).any(1 - axis))
    return int(found[0]), int(found[-1]) + 1


def _cut(ink: Gray, rim: int) -> Gray:
    """The part with ink, and with the faint rim of its strokes."""
    spans = []
    for axis in (0, 1):
        (first, last), (faint, end) = (_extent(ink, least, axis) for least in (_INK, 0))
        spans.append(slice(max(first - rim, faint), min(last + rim, end)))
    return ink[spans[0], spans[1]]


def _ink(gray: Gray) -> Gray:
    """How far each pixel is from the paper, towards the ink; noise no stronger than the paper's is not ink."""
    apart = gray - _paper(gray)
    if (apart**3).sum() < 0:  # the ink is on the side where a few pixels are far away
        apart = -apart
    edge = np.abs(_edge(apart))
    noise = 3 * 1.4826 * float(np.median(edge))
    ink: Gray = np.clip(apart - noise, 0, None)
    if ink.max() < _LEAST_CONTRAST:
        raise _refuse("nothing drawn that stands out from the paper", _CLEARER)
    return ink


def _paper(gray: Gray) -> Gray:
    """The paper's brightness at each pixel: the plane through most of the edge, because light falls unevenly."""
    rows, columns = np.mgrid[-1 : 1 : gray.shape[0] * 1j, -1 : 1 : gray.shape[1] * 1j]
    design = np.stack([np.ones(_edge(gray).size), _edge(rows), _edge(columns)], axis=1)
    values = _edge(gray)
    plane = np.array([np.median(values), 0.0, 0.0])
    for _ in range(10):  # least absolute deviations, by reweighting: a digit that touches the edge moves it little
        weights = 1 / np.maximum(np.abs(values - design @ plane), 0.5)
        plane = np.linalg.lstsq(design * np.sqrt(weights)[:, None], values * np.sqrt(weights), rcond=None)[0]
    plane[np.abs(plane) < 1e-6] = 0
    paper: Gray = plane[0] + plane[1] * rows + plane[2] * columns
    return paper


def _edge(values: Gray) -> Gray:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _without_specks(ink: Gray) -> Gray:
    marks, count = ndimage.label(ink > _INK * ink.max(), np.ones((3, 3)))
    if count == 1:
        return ink
    weights = ndimage.sum_labels(ink, marks, range(count + 1))
    weights[0] = weights[1:].max()
    is_digit = weights >= _SPECK * weights[0]
    near = ndimage.maximum_filter(is_digit[marks] & (marks > 0), 3)  # the soft rim of a stroke belongs to it
    return np.where(near, ink, 0.0)


def _thickened(ink: Gray, unit: float) -> Gray:
    """Strokes widened to a pen's width, where one pixel of the box is `unit` pixels and the picture is fine enough for
    thinner ones."""
    if unit < 2:
        return ink
    is_ink = np.pad(ink > _INK * ink.max(), 1)
    depth = ndimage.distance_transform_edt(is_ink)
    width = 4 * depth[is_ink].mean() - 1  # a bar of width w is w / 4 deep on average
    missing = round(_PEN * unit - width)
    return ndimage.maximum_filter(np.pad(ink, missing), missing + 1) if missing > 0 else ink


def _centered(digit: Gray) -> npt.NDArray[np.uint8]:
    """The digit (at most 20x20) in 28x28 with its center of mass in the middle, its brightest pixel at 255."""
    image = np.zeros((SIDE, SIDE))
    mass = digit.sum()
    corner = []
    for axis in (0, 1):
        center = (digit.sum(1 - axis) * np.arange(digit.shape[axis])).sum() / mass
        corner.append(min(max(math.ceil(_CENTER - center - 0.5), 0), SIDE - digit.shape[axis]))
    top, left = corner
    image[top : top + digit.shape[0], left : left + digit.shape[1]] = digit * (255 / digit.max())
    return np.rint(np.clip(image, 0, 255)).astype(np.uint8)


def _thumbnail(gray: Gray) -> npt.NDArray[np.uint8]:
    low, high = gray.min(), gray.max()
    small = Image.fromarray(((gray - low) / max(high - low, 1) * 255).astype(np.uint8))
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small, np.uint8)
