"""Who handed in what: a roster identifies the student of each name, and who is missing.

A roster is a CSV with a header. Any column may hold a student's identifier in a download: a name, an email address, a
number. The first column whose title contains `name` or `student` is the displayed name.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.handins.downloads import read_name
from harness.records.check import Check, Outcome
from harness.records.errors import UsageError
from harness.records.submission import Rejected

MAX_ROSTER = 1 << 20


@dataclass(frozen=True)
class Student:
    """One row of a roster: the displayed name, and every word by which a download may identify the student."""

    name: str
    keys: frozenset[str]


def read_roster(path: Path) -> list[Student]:
    """The students of a CSV. Raises UsageError if it is not one, or two rows have the same name."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_ROSTER + 1)
        if len(content) > MAX_ROSTER:
            raise UsageError(f"a roster of at most {MAX_ROSTER >> 20} MiB", "more", "keep names, addresses and numbers")
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError("a readable roster", str(error), "save it as CSV in UTF-8") from None
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise UsageError(
            "a roster with a header and a row for each student", f"{len(rows)} rows", "see docs/submitting.md"
        )
    shown = _name_columns(rows[0])
    students = [_student(row, shown) for row in rows[1:]]
    doubled = sorted(name for name, count in Counter(student.name for student in students).items() if count > 1)
    if doubled:
        raise UsageError(
            "one row for each student", f"two rows for {doubled[0]}", "make them distinct in the name column"
        )
    return students


def _name_columns(header: Sequence[str]) -> list[int]:
    """The columns that make up a name: one of them, or first and last name."""
    titles = [title.strip().lower() for title in header]
    first = [i for i, title in enumerate(titles) if "first" in title]
    last = [i for i, title in enumerate(titles) if "last" in title or "surname" in title]
    if first and last:
        return [first[0], last[0]]
    return [next((i for i, title in enumerate(titles) if "name" in title or "student" in title), 0)]


def _student(row: Sequence[str], shown: Sequence[int]) -> Student:
    name = " ".join(row[i].strip() for i in shown if i < len(row)).strip() or "(no name)"
    words = [cell.strip() for cell in row if cell.strip()]
    keys = {_key(word) for word in (*words, name)}
    keys |= {_key(word.partition("@")[0]) for word in words if "@" in word}
    parts = [part for part in re.split(r"[,\s]+", name) if part]
    keys |= {_key("".join([*parts[-1:], *parts[:-1]])), _key("".join(parts[1:] + parts[:1]))}
    return Student(name, frozenset(keys - {""}))


def _key(word: str) -> str:
    """A word as systems spell it in file names: lower case, letters and digits only."""
    return "".join(c for c in word.lower() if c.isalnum())


def find_student(entry: str, students: Iterable[Student]) -> Student | None:
    """The one student identified by an entry's name: by the system's number, the system's spelling, or the name."""
    handed = read_name(entry)
    words = [handed.number, handed.student] if handed else [entry]
    for key in filter(None, map(_key, words)):
        found = [student for student in students if key in student.keys]
        if len(found) == 1:
            return found[0]
    return None


def missing(students: Iterable[Student], seen: Iterable[str]) -> list[Rejected]:
    """A rejection for each student without a submission, in the order of the roster."""
    there = set(seen)
    check = Check("source", Outcome.FAILED, "a submission", "nothing was handed in", "hand in model.py")
    return [Rejected(student.name, check) for student in students if student.name not in there]
