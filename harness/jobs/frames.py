"""One length-capped message between processes: a JSON header followed by named blobs of bytes.

Layout: magic, header length (uint32, little endian), header, blobs back to back. The header's `blobs` lists name and
length of each. Nothing is ever unpickled. What a student's process sends is read by `decode`, which trusts nothing.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

from harness.records.errors import ArtifactError

MAGIC = b"LNF1"
_PREFIX = struct.Struct("<4sI")
MAX_HEADER = 1 << 20
MAX_BLOBS = 64

Blobs = Mapping[str, bytes | memoryview]


def encode(header: Mapping[str, Any], blobs: Blobs) -> bytes:
    """The frame's bytes."""
    listing = [[name, len(blob)] for name, blob in blobs.items()]
    text = json.dumps({**header, "blobs": listing}).encode()
    return b"".join((_PREFIX.pack(MAGIC, len(text)), text, *blobs.values()))


def decode(frame: bytes | memoryview) -> tuple[dict[str, Any], dict[str, memoryview]]:
    """Header and blobs of a frame.

    Raises ArtifactError when the frame is cut short, carries trailing bytes, or does not list its blobs properly.
    """
    view = memoryview(frame)
    header, start = _decode_header(view)
    blobs: dict[str, memoryview] = {}
    for name, size in _listing(header.pop("blobs", None)):
        if size > len(view) - start or name in blobs:
            raise _refuse("a blob that is longer than the frame, or named twice")
        blobs[name] = view[start : start + size]
        start += size
    if start != len(view):
        raise _refuse(f"{len(view) - start} trailing bytes")
    return header, blobs


def _decode_header(view: memoryview) -> tuple[dict[str, Any], int]:
    if len(view) < _PREFIX.size:
        raise _refuse(f"{len(view)} bytes")
    magic, size = _PREFIX.unpack(view[: _PREFIX.size])
    end = _PREFIX.size + size
    if magic != MAGIC or size > MAX_HEADER or end > len(view):
        raise _refuse("a wrong magic number or header length")
    try:
        header = json.loads(bytes(view[_PREFIX.size : end]))
    except (ValueError, RecursionError):
        raise _refuse("a header that is not JSON") from None
    if not isinstance(header, dict):
        raise _refuse("a header that is not an object")
    return header, end


def _listing(listing: object) -> list[tuple[str, int]]:
    if not isinstance(listing, list) or len(listing) > MAX_BLOBS:
        raise _refuse("an invalid list of blobs")
    for entry in listing:
        if not isinstance(entry, list) or len(entry) != 2:
            raise _refuse("an invalid list of blobs")
        if not isinstance(entry[0], str) or type(entry[1]) is not int or entry[1] < 0:
            raise _refuse("an invalid list of blobs")
    return [(name, size) for name, size in listing]


def _refuse(found: str) -> ArtifactError:
    return ArtifactError("one complete result frame", found, "remove code that writes to file descriptors")
