"""Test images as pictures. Pure."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping

SIDE = 28
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _EIGHT_BIT = 0, 8


def picture(images: Mapping[int, bytes], index: int) -> str:
    """A test image as the address of a picture that stands in the page: 28x28, grey, ink bright on dark."""
    return f"data:image/png;base64,{base64.b64encode(png(images[index])).decode()}"


def png(pixels: bytes) -> bytes:
    """28x28 grey values, a byte each, as a PNG file (W3C PNG specification, sections 5 and 11)."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, _EIGHT_BIT, _GREY, 0, 0, 0)
    lines = b"".join(b"\0" + pixels[start : start + SIDE] for start in range(0, SIDE * SIDE, SIDE))
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, 9)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
