"""Names as learning-management systems write them, and which entries of a download are one student's hand-in. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.records.errors import SubmissionError

_MOODLE = re.compile(r"(?P<student>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)", re.DOTALL)
_CANVAS = re.compile(
    r"(?P<student>[^_\W][^_]*?)_(?:LATE_|late_)?(?P<number>\d+)_(?P<upload>\d+)_(?P<file>.+)", re.DOTALL
)
_GRADESCOPE = re.compile(r"submission_(?P<number>\d+)(?P<file>)")
_VERSION = re.compile(r"(?P<name>.+?)(?:-(?P<version>\d{1,3}))?(?P<suffix>\.[A-Za-z]+)?", re.DOTALL)
"""Canvas appends -1, -2, ... to the name of a file that is handed in again."""


@dataclass(frozen=True)
class Handed:
    """The parts of a download's name: who (as the system spells it), the system's number, the file's own name, and the
    number of the upload where there is one, which grows with time."""

    student: str
    number: str
    file: str
    upload: int | None = None


def read_name(entry: str) -> Handed | None:
    """The parts of a name as Moodle, Canvas or Gradescope write it; None for any other name.

    Moodle: `Ada Lovelace_12345_assignsubmission_file_`. Canvas: `lovelaceada_LATE_123_456_model-1.py`.
    Gradescope: `submission_123456`.
    """
    for pattern in (_MOODLE, _CANVAS, _GRADESCOPE):
        match = pattern.fullmatch(entry)
        if match:
            parts = match.groupdict()
            upload = int(parts["upload"]) if len(parts.get("upload") or "") in range(1, 19) else None
            return Handed(parts.get("student") or "", parts["number"], parts["file"], upload)
    return None


def hand_ins(entries: Iterable[str]) -> list[tuple[str, ...]]:
    """The entries of a download, those of one student together; each other entry is a hand-in of its own."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for entry in entries:
        handed = read_name(entry)
        key = (handed.student, handed.number) if handed and handed.student else (entry,)
        groups.setdefault(key, []).append(entry)
    return [tuple(group) for group in groups.values()]


def parts(entries: Sequence[str]) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """The student's own name for each entry, with the entry, and notes on those replaced by a newer one.

    Raises SubmissionError where the numbers of Canvas do not agree on which is the newest.
    """
    kept: list[tuple[str, str]] = []
    uploads: dict[str, list[tuple[int, int, str]]] = {}
    for entry in entries:
        handed = read_name(entry)
        if handed is None or handed.upload is None:
            kept.append((handed.file if handed else entry, entry))
        elif match := _VERSION.fullmatch(handed.file):
            own = f"{match['name']}{match['suffix'] or ''}"
            uploads.setdefault(own, []).append((int(match["version"] or 0), handed.upload, entry))
    newest = {own: _newest(own, found) for own, found in uploads.items()}
    notes = [_note(own, len(found), newest[own]) for own, found in uploads.items() if len(found) > 1]
    return [*kept, *newest.items()], tuple(notes)


def _newest(own: str, found: list[tuple[int, int, str]]) -> str:
    """The file with the highest number behind its name, which must be the one that was uploaded last."""
    version, upload, entry = max(found)
    others = [other for other in found if other[2] != entry]
    if any(other >= version or later >= upload for other, later, _ in others):
        listed = ", ".join(entry for _, _, entry in found[:8])
        told = f"{len(found)} whose names do not show their order: {listed}"
        raise SubmissionError("source", f"one {own}", told, "keep the right one")
    return entry


def _note(own: str, count: int, newest: str) -> str:
    return f"{own} was handed in {count} times; the newest is used: {newest}"
