"""Which files of a folder are still as they would be made again, so that only the others are.

A record next to the files has, for each part of them, the digest of its facts, and the size and the SHA-256 of its
files. A file that was edited, replaced by a link or removed is not the recorded one, and without its record every file
is made again.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import cattrs

RECORD = ".made.json"
_LARGEST = 64 << 20


@dataclass(frozen=True)
class Part:
    """Files that are made together. `facts` is the digest of everything that they are made from; `render` gives their
    texts by their paths below the folder, the same for the same facts."""

    facts: str
    render: Callable[[], Mapping[str, str]]


@dataclass(frozen=True)
class File:
    """Size in bytes and SHA-256 of a file."""

    size: int
    digest: str


@dataclass(frozen=True)
class Made:
    """The record of one part."""

    facts: str
    files: dict[str, File]

    def is_still(self, part: Part, there: Mapping[str, File]) -> bool:
        """Whether the part would be made again as it is, given the files that are `there`."""
        return self.facts == part.facts and self.files.items() <= there.items()


def digest(*facts: object) -> str:
    """SHA-256 of records, numbers and texts: equal only if all of them are."""
    return hashlib.sha256("\0".join(map(repr, facts)).encode()).hexdigest()


def made_of(facts: str, texts: Mapping[str, str]) -> Made:
    """The record of a part from the texts of its files."""
    return Made(facts, {name: _file(text.encode()) for name, text in texts.items()})


def read_record(folder: Path) -> dict[str, Made]:
    """What was made in a folder, part by part; nothing where there is no record that can be read."""
    try:
        place = folder / RECORD
        if not _is_file(place, range(_LARGEST)):
            return {}
        return cattrs.structure(json.loads(place.read_bytes()), dict[str, Made])
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, cattrs.BaseValidationError):
        return {}


def record_text(parts: Mapping[str, Made]) -> str:
    """The text of a folder's record."""
    return json.dumps({name: asdict(part) for name, part in parts.items()})


def unchanged(folder: Path, files: Mapping[str, File]) -> dict[str, File]:
    """Those files that are in the folder as they were made."""
    return {name: file for name, file in files.items() if _is_as_made(folder / name, file)}


def _is_as_made(place: Path, file: File) -> bool:
    try:
        return _is_file(place, [file.size]) and _file(place.read_bytes()) == file
    except (OSError, ValueError):
        return False


def _is_file(place: Path, sizes: Iterable[int]) -> bool:
    """Whether this is a file of such a size, not a link or something that never ends."""
    found = place.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_size in sizes


def _file(content: bytes) -> File:
    return File(len(content), hashlib.sha256(content).hexdigest())
