"""Audit of a safetensors blob: header, sizes, no gaps, no overlap, nothing after the last tensor.

Format: https://huggingface.co/docs/safetensors (uint64 header length, JSON header, data).
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from harness.artifact.reading import parse, shape, shown
from harness.language.refusals import invalid
from harness.records.graph import BYTES, Shape

MAX_NUMBERS = 20_000_000
_MAX_HEADER = 1 << 20
NAME = re.compile(r"t[0-9]{1,5}")


def audit_weights(blob: bytes) -> dict[str, tuple[str, Shape]]:
    """Data type and shape of each tensor in a safetensors blob. Raises ArtifactError with the reason."""
    header, start = _header(blob)
    tensors: dict[str, tuple[str, Shape]] = {}
    spans: list[tuple[int, int]] = []
    for name, entry in header.items():
        if not NAME.fullmatch(name):
            raise invalid("weights named t0, t1, ...", shown(name, 60))
        dtype, dimensions, span = _entry(name, entry)
        tensors[name] = (dtype, dimensions)
        spans.append(span)
    _check_spans(spans, len(blob) - start)
    if sum(math.prod(dimensions) for _, dimensions in tensors.values()) > MAX_NUMBERS:
        raise invalid(f"at most {MAX_NUMBERS:,} numbers in all weights", "more")
    return tensors


def views(blob: bytes) -> Iterator[tuple[str, memoryview]]:
    """Name and raw numbers of each tensor in an audited blob, without a copy."""
    header, start = _header(blob)
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        yield name, memoryview(blob)[start + first : start + end]


def is_finite(content: bytes | memoryview) -> bool:
    """Whether the raw numbers of a float32 tensor, which every trained tensor is, are all finite."""
    return bool(np.isfinite(np.frombuffer(content, "<f4")).all())


def _header(blob: bytes) -> tuple[dict[str, Any], int]:
    if len(blob) < 8:
        raise invalid("a safetensors blob", f"{len(blob)} bytes")
    size = struct.unpack("<Q", blob[:8])[0]
    if size > _MAX_HEADER or 8 + size > len(blob):
        raise invalid("a safetensors header inside the blob", f"a header of {size:,} bytes in {len(blob):,}")
    return parse(blob[8 : 8 + size], _MAX_HEADER, "a safetensors header"), 8 + size


def _entry(name: str, entry: object) -> tuple[str, Shape, tuple[int, int]]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise invalid(f"dtype, shape and data_offsets of {name}", shown(entry, 80))
    dtype, offsets = entry["dtype"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BYTES:
        raise invalid(f"a known data type of {name}", shown(dtype, 40))
    dimensions = shape(entry["shape"], name)
    if not isinstance(offsets, list) or len(offsets) != 2 or any(type(o) is not int or o < 0 for o in offsets):
        raise invalid(f"two offsets of {name}", shown(offsets, 60))
    size = math.prod(dimensions) * BYTES[dtype]
    if offsets[1] - offsets[0] != size:
        raise invalid(f"{size:,} bytes for {name}", f"{offsets[1] - offsets[0]:,} bytes")
    return dtype, dimensions, (offsets[0], offsets[1])


def _check_spans(spans: list[tuple[int, int]], length: int) -> None:
    position = 0
    for start, end in sorted(spans):
        if start != position:
            raise invalid(
                "tensors back to back", "overlapping tensors" if start < position else "a gap between tensors"
            )
        position = end
    if position != length:
        found = "trailing bytes" if position < length else "tensors beyond the end"
        raise invalid("the last tensor to end the blob", found)
