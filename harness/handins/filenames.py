"""File and folder names derived from submission names. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_MADE = re.compile(r"(?i)-[0-9a-f]{12}$")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)$")


def file_names(submissions: Iterable[str]) -> list[str]:
    """A file name for each submission that works on every system, and is unique on every system."""
    names = list(submissions)
    spellings = Counter(name.casefold() for name in names)
    return [_file_name(name, is_alone=spellings[name.casefold()] == 1) for name in names]


def _file_name(name: str, *, is_alone: bool) -> str:
    """A name that could be the file name derived from another name does not count as plain."""
    if is_alone and _PLAIN_NAME.fullmatch(name) and not _RESERVED.match(name) and not _MADE.search(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')[:40] or 'submission'}-{digest}"
