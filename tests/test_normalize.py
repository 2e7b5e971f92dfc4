"""Pictures of digits become what MNIST has; MNIST's own images stay as they are; files that are no pictures are refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from drawn_digits import STROKES, WAYS, drawn, photographed, saved
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.child.normalize import MOST_PIXELS, THUMBNAIL, normalize, to_mnist
from harness.datasets import mnist
from harness.records.errors import SubmissionError


def center(digit):
    rows, columns = np.mgrid[:28, :28]
    return (digit * rows).sum() / digit.sum(), (digit * columns).sum() / digit.sum()


def alike(first, second):
    """The same up to the pixel by which rounding may move a digit."""
    return np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.85


def test_images_of_mnist_stay_as_they_are():
    """All but the few that have dirt on them, which is left out."""
    images = mnist.load().test_images[::25]
    changes = [np.abs(to_mnist(image.astype(float)).astype(int) - image).max() for image in images]
    assert sum(change <= 1 for change in changes) >= 0.98 * len(images)


def test_images_of_mnist_come_back_from_pictures_of_them():
    for image in mnist.load().test_images[:40]:
        pasted = np.full((90, 120), 255, np.uint8)
        pasted[40:68, 70:98] = 255 - image
        found = normalize(saved(Image.fromarray(pasted))).digit
        assert np.abs(found.astype(int) - image).max() <= 1


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_drawing_ends_in_the_same_form(way):
    plain = normalize(saved(drawn(3))).digit.astype(float)
    digit = normalize(saved(WAYS[way](3))).digit
    assert digit.dtype == np.uint8 and digit.shape == (28, 28) and digit.max() == 255
    assert all(abs(place - 14) < 0.8 for place in center(digit.astype(float)))
    rows, columns = (np.flatnonzero((digit > 64).any(axis)) for axis in (1, 0))
    assert 17 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
    assert np.corrcoef(plain.ravel(), digit.ravel())[0, 1] > 0.6


@pytest.mark.parametrize("digit", STROKES)
def test_proportions_are_kept(digit):
    found = normalize(saved(drawn(digit))).digit > 64
    rows, columns = (np.flatnonzero(found.any(axis)) for axis in (1, 0))
    ratio = (np.ptp(columns) + 1) / (np.ptp(rows) + 1)
    source = np.asarray(drawn(digit).convert("L")) < 128
    wide, high = (np.ptp(np.flatnonzero(source.any(axis))) + 1 for axis in (0, 1))
    assert ratio == pytest.approx(wide / high, abs=0.15)


def test_a_photograph_upside_down_is_turned_as_its_camera_says():
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = saved(drawn(7).rotate(180), "JPEG", exif=exif, quality=95)
    assert alike(normalize(turned).digit, normalize(saved(drawn(7))).digit)


@pytest.mark.parametrize("options", [{"quality": 20}, {"quality": 90, "progressive": True}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_of_any_mode_and_quality(mode, options):
    found = normalize(saved(drawn(5).convert(mode), "JPEG", **options)).digit
    assert alike(found, normalize(saved(drawn(5))).digit)


def test_sixteen_bits_of_grey_are_not_cut_off():
    deep = (np.asarray(drawn(2).convert("L"), np.uint16) * 64).astype(np.uint16)
    plain = normalize(saved(drawn(2))).digit.astype(int)
    assert np.abs(normalize(saved(Image.fromarray(deep))).digit - plain).mean() < 1


def test_light_from_the_side_and_dirt_are_no_ink():
    plain = normalize(saved(drawn(6, (640, 480), box=(0.3, 0.2, 0.6)))).digit.astype(int)
    for seed in range(3):
        found = normalize(saved(photographed(drawn(6, (640, 480), box=(0.3, 0.2, 0.6)), seed))).digit
        assert np.abs(found - plain).mean() < 8
        assert (found[0] == 0).all() and (found[:, 0] == 0).all()


def test_the_thumbnail_is_small_and_keeps_its_proportions():
    thumbnail = normalize(saved(drawn(1, (900, 300), box=(0.5, 0.1, 0.8)))).thumbnail
    assert thumbnail.shape == (round(THUMBNAIL / 3), THUMBNAIL) and thumbnail.dtype == np.uint8


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says that it is 60,000 pixels wide and high."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def bitmap(kind: str) -> bytes:
    file = io.BytesIO()
    drawn(1).convert("RGB").save(file, kind)
    return file.getvalue()


REFUSED = {
    "nothing": (b"", "a file of another kind"),
    "text": (b"import os\n" * 20, "a file of another kind"),
    "cut short": (saved(drawn(4))[:200], "a damaged file ("),
    "a broken JPEG": (saved(drawn(4), "JPEG")[:300], "a damaged file ("),
    "a bomb": (bomb(), "hundreds of millions of pixels"),
    "a large picture": (saved(Image.new("1", (8000, 7000))), "8000x7000 pixels"),
    "a GIF": (bitmap("GIF"), "a file of another kind"),
    "a TIFF": (bitmap("TIFF"), "a file of another kind"),
    "blank": (saved(Image.new("L", (50, 50), 255)), "nothing drawn"),
    "transparent": (saved(Image.new("RGBA", (50, 50), (0, 0, 0, 0))), "nothing drawn"),
    "one pixel": (saved(Image.new("L", (1, 1), 0)), "nothing drawn"),
    "one red pixel": (saved(Image.new("RGB", (1, 1), (255, 0, 0))), "nothing drawn"),
    "noise": (saved(photographed(Image.new("L", (300, 300), 250)).crop((0, 20, 280, 300))), "nothing drawn"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_of_a_digit_is_refused(name):
    content, words = REFUSED[name]
    with pytest.raises(SubmissionError) as refused:
        normalize(content)
    assert refused.value.check == "image" and words in refused.value.found and refused.value.try_


def test_the_size_is_looked_at_before_a_pixel_is_decoded():
    assert MOST_PIXELS < 60_000**2 and len(bomb()) < 200


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: saved(drawn(8, (20, 20)))[:120] + tail))
def test_any_bytes_are_a_digit_or_refused(content):
    try:
        assert normalize(content).digit.shape == (28, 28)
    except SubmissionError as error:
        assert error.check == "image"


@pytest.mark.parametrize("side", range(1, 13))
def test_a_digit_of_a_few_pixels_with_a_soft_rim_fits(side):
    pixels = np.zeros((side + 4, side + 8))
    pixels[1:-1, 1:-1], pixels[2:-2, 4:-4] = 30, 255
    digit = to_mnist(pixels)
    assert digit.shape == (28, 28) and np.count_nonzero(digit > 128) >= 19 * 19


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_any_small_picture_is_a_digit_or_refused(height, width, data):
    content = data.draw(st.binary(min_size=height * width, max_size=height * width))
    pixels = np.frombuffer(content, np.uint8).reshape(height, width)
    try:
        digit = to_mnist(pixels.astype(float))
    except SubmissionError:
        return
    assert digit.shape == (28, 28) and digit.max() == 255
