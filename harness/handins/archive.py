"""Zip archives, read without unpacking: bounded in size, number and time, no links, nothing outside the archive."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import PurePosixPath

from harness.records.errors import SubmissionError

MAX_ARCHIVE = 64 << 20
MAX_DIRECTORY = 2 << 20
MAX_ENTRIES = 3_000
MAX_PATH = 1_000
"""Characters in the path of a file; no system that unpacks archives allows more than four times as many."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others return everything they unpack at once, however little was requested: 2,656 bytes of bzip2 become 6 GB."""
_OTHER_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ"}
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, LookupError, ValueError, OSError)
"""What zipfile raises for a damaged archive."""
_LOCAL = struct.Struct("<4s22x2H")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_STEP = 1 << 16
_MODEL_ALONE = "pack only the model definition, or hand in model.py"


@dataclass
class Allowance:
    """How much of one submission may still be read, over all its archives and folders: files and folders, bytes of
    archives, bytes of their directories."""

    entries: int = MAX_ENTRIES
    archives: int = MAX_ARCHIVE
    directories: int = MAX_DIRECTORY

    def take_entries(self, count: int) -> None:
        """Count files and folders that were found. Raises SubmissionError if they exceed what is left."""
        self.entries -= count
        if self.entries < 0:
            raise _wrong("a few Python files", f"more than {MAX_ENTRIES:,} files and folders")

    def take_archive(self, size: int) -> None:
        """Count the bytes of an archive that was read. Raises SubmissionError if they exceed what is left."""
        self.archives -= size
        if self.archives < 0:
            raise _wrong(f"archives of at most {MAX_ARCHIVE >> 20} MiB in total", "more")

    def take_directory(self, size: int) -> None:
        """Count the bytes of a directory about to be read. Raises SubmissionError if they exceed what is left."""
        self.directories -= size
        if self.directories < 0:
            raise _wrong(f"archives of at most {MAX_ENTRIES:,} files", "a longer directory")


def members(content: bytes, limit_of: Callable[[str], int], allowance: Allowance) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of each file for whose path `limit_of` returns a limit above 0, sorted by path. Of a file that is
    larger than its limit, one byte more than the limit is read. Raises SubmissionError.

    No number stated in an archive is trusted; what is unpacked is counted as it is unpacked.
    """
    try:
        with zipfile.ZipFile(_Directory(content, allowance)) as archive:
            items = archive.infolist()
        allowance.take_entries(len(items))
        _require_apart(items)
        for item in sorted(items, key=lambda item: item.filename):
            if limit := limit_of(item.filename):
                yield _safe_path(item), _read(content, item, limit)
    except _DAMAGE as error:
        found = f"a file of another kind, or a damaged one ({type(error).__name__}: {error})"
        raise _wrong("a zip archive that can be read", found[:200]) from None


class _Directory(BytesIO):
    """An archive whose directory zipfile is reading, in one piece: several records state its size, and each may be
    wrong."""

    def __init__(self, content: bytes, allowance: Allowance) -> None:
        super().__init__(content)
        self._size = len(content)
        self._allowance = allowance

    def read(self, size: int | None = -1, /) -> bytes:
        """Bytes from here on, as far as the allowance permits."""
        rest = max(0, self._size - self.tell())
        self._allowance.take_directory(rest if size is None or size < 0 else min(size, rest))
        return super().read(size)


def _require_apart(items: Sequence[zipfile.ZipInfo]) -> None:
    """Entries that share bytes could together take longer than the archive's size allows."""
    places = sorted((item.header_offset, item.header_offset + _LOCAL.size + item.compress_size) for item in items)
    if any(end > start for (_, end), (start, _) in pairwise(places)):
        raise _wrong("entries with bytes of their own", "entries that overlap")


def _safe_path(item: zipfile.ZipInfo) -> str:
    shown = f"{item.filename[:80]!a}"
    if len(item.filename) > MAX_PATH:
        raise _wrong(f"paths of at most {MAX_PATH:,} characters", f"a longer one: {shown}")
    path = PurePosixPath(item.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise _wrong("paths inside the archive", f"one that leads outside it: {shown}")
    mode = item.external_attr >> 16
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        raise _wrong("regular files", f"a link or device named {shown}")
    return str(path)


def _read(content: bytes, item: zipfile.ZipInfo, limit: int) -> bytes:
    shown = f"{item.filename[:80]!a}"
    if item.flag_bits & 1:
        raise _wrong("an archive without a password", f"{shown} is encrypted")
    if item.compress_type not in _METHODS:
        method = _OTHER_METHODS.get(item.compress_type, f"method {item.compress_type}")
        raise _wrong("files that are stored or deflated", f"{shown}, packed with {method}", "pack it as a plain .zip")
    packed = _packed(content, item)
    if item.compress_type == zipfile.ZIP_STORED:
        unpacked, is_whole = bytes(packed[: limit + 1]), True
    else:
        unpacked, is_whole = _inflated(packed, limit + 1)
    if len(unpacked) <= limit and not (is_whole and len(unpacked) == item.file_size and _has_sum(unpacked, item)):
        raise _wrong("a zip archive that can be read", f"{shown} is damaged")
    return unpacked


def _has_sum(unpacked: bytes, item: zipfile.ZipInfo) -> bool:
    return zlib.crc32(unpacked) == item.CRC


def _packed(content: bytes, item: zipfile.ZipInfo) -> memoryview:
    """The bytes of an entry as they are in the archive. Raises ValueError or struct.error if it has none."""
    if item.header_offset < 0:
        raise ValueError("an entry before the archive begins")
    signature, name, extra = _LOCAL.unpack_from(content, item.header_offset)
    start = item.header_offset + _LOCAL.size + name + extra
    packed = memoryview(content)[start : start + item.compress_size]
    if signature != _LOCAL_SIGNATURE or len(packed) < item.compress_size:
        raise ValueError("an entry that is not where the directory says")
    return packed


def _inflated(packed: memoryview, most: int) -> tuple[bytes, bool]:
    """At most `most` bytes, and whether the stream ended with them. Raises zlib.error."""
    inflater, parts, room = zlib.decompressobj(-zlib.MAX_WBITS), list[bytes](), most
    for start in range(0, len(packed), _STEP):
        parts.append(inflater.decompress(packed[start : start + _STEP], room))
        room -= len(parts[-1])
        if room == 0 or inflater.eof:
            break
    return b"".join(parts), inflater.eof


def _wrong(expected: str, found: str, try_: str = _MODEL_ALONE) -> SubmissionError:
    return SubmissionError("source", expected, found, try_)
