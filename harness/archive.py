"""Zip archives, read without unpacking: bounded in size, number and depth, no links, nothing outside of the archive."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import PurePosixPath

from harness.errors import SubmissionError

MAX_ARCHIVE = 64 << 20
MAX_ENTRIES = 3_000
_MAX_DIRECTORY = 1 << 20
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"


def members(content: bytes, suffixes: tuple[str, ...], limit: int) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of each file with one of these suffixes, in order of path. Raises SubmissionError.

    Each is at most `limit` bytes; the caller counts their sum. The size an archive states is not believed.
    """
    _check_directory(content)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            for item in sorted(archive.infolist(), key=lambda item: item.filename):
                if not item.is_dir() and item.filename.endswith(suffixes):
                    yield _safe_path(item), _read(archive, item, limit)
    except SubmissionError:
        raise
    except Exception as error:  # a damaged archive makes zipfile raise whatever it stumbles over
        raise _wrong("a zip archive that can be read", f"{type(error).__name__}: {error}"[:200]) from None


def _check_directory(content: bytes) -> None:
    """Refuse a directory that would take long to read before anything reads it."""
    start = content.rfind(_END_SIGNATURE, max(0, len(content) - _END.size - (1 << 16)))
    if start < 0 or len(content) - start < _END.size:
        raise _wrong("a zip archive", "a file of another kind, or only a part of one")
    _, _, _, _, entries, size, _, _ = _END.unpack_from(content, start)
    if entries > MAX_ENTRIES or size > _MAX_DIRECTORY:
        raise _wrong(f"at most {MAX_ENTRIES:,} files", f"{entries:,}" if entries < 0xFFFF else "very many")


def _safe_path(item: zipfile.ZipInfo) -> str:
    path = PurePosixPath(item.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise _wrong("paths inside the archive", f"one that leads out of it: {item.filename[:80]!a}")
    mode = item.external_attr >> 16
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        raise _wrong("regular files", f"a link or device named {item.filename[:80]!a}")
    return str(path)


def _read(archive: zipfile.ZipFile, item: zipfile.ZipInfo, limit: int) -> bytes:
    if item.flag_bits & 1:
        raise _wrong("an archive without password", f"{item.filename[:80]!a} is encrypted")
    with archive.open(item) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise _wrong(f"files of at most {limit >> 20} MiB", f"a larger one: {item.filename[:80]!a}")
    return content


def _wrong(expected: str, found: str) -> SubmissionError:
    return SubmissionError("source", expected, found, "pack the model definition alone, or hand in model.py")
