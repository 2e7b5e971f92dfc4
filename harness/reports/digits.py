"""Test images as pictures. Pure."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache

SIDE = 28
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY, _EIGHT_BIT = 0, 8


def picture(images: Mapping[int, bytes], index: int) -> str:
    """A test image as the data URL of a picture: 28x28, gray, bright ink on dark."""
    return address(images[index])


@lru_cache(maxsize=1 << 12)
def address(pixels: bytes, width: int = SIDE) -> str:
    """Gray values as the data URL of a picture."""
    return f"data:image/png;base64,{base64.b64encode(png(pixels, width)).decode()}"


def png(pixels: bytes, width: int = SIDE) -> bytes:
    """Gray values, a byte each, line by line, as a PNG file (W3C PNG specification, sections 5 and 11)."""
    header = struct.pack(">IIBBBBB", width, len(pixels) // width, _EIGHT_BIT, _GRAY, 0, 0, 0)
    lines = b"".join(b"\0" + pixels[start : start + width] for start in range(0, len(pixels), width))
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, 9)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
