"""A TOML file that people write: all its problems are reported at once, each with its line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from harness.records.errors import UsageError

Read = TypeVar("Read")


class Problems:
    """Collects problems, each with the line in which its key stands in its section."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self.found: list[tuple[int, str]] = []

    def add(self, section: str, key: str, message: str, nth: int = 1) -> None:
        """Note a problem with a key of a section, the `nth` of its name; without a key, with the section itself. The
        key of no section is one at the top, or a section."""
        assigned = rf"{_quoted(key)}\s*[=.]"
        if section:
            line = 0
            for _ in range(nth):
                line = self._find(_header(section), after=line)
            number = self._find(assigned, after=line) if key else line
        else:
            number = self._find(_header(key)) or self._find(assigned)
        self.found.append((number, message))

    def listed(self) -> str:
        """All of them sorted by line, those without one first."""
        in_order = sorted(self.found, key=lambda problem: problem[0])
        return "; ".join(f"line {number}: {message}" if number else message for number, message in in_order)

    def _find(self, pattern: str, after: int = 0) -> int:
        """Number of the first line that begins with the pattern, behind line number `after`; 0 if there is none."""
        start = re.compile(rf"\s*{pattern}")
        return next((i for i, line in enumerate(self._lines, 1) if i > after and start.match(line)), 0)


def _header(section: str) -> str:
    return rf"\[+\s*{_quoted(section)}\s*[\].]"


def _quoted(name: str) -> str:
    """A pattern for a TOML key, bare or in quotes."""
    return rf"[\"']?{re.escape(name)}[\"']?"


def read_toml(path: Path, what: str, build: Callable[[Mapping[str, Any], Problems], Read]) -> Read:
    """What `build` makes of a file. Raises UsageError that lists all problems, each with its line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"a readable {what} file {path}", str(error), "check the path") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"TOML in {path}", str(error), "fix the named line") from None
    problems = Problems(text)
    built = build(content, problems)
    if problems.found:
        raise UsageError(f"a valid {what} in {path}", problems.listed(), "fix the named lines")
    return built


def values_of(section: Mapping[str, Any], name: str, types: Mapping[str, str], problems: Problems) -> dict[str, Any]:
    """The values of a section that are known and of their types; everything else becomes a problem."""
    values: dict[str, Any] = {}
    for key, value in section.items():
        if key not in types:
            problems.add(name, key, unknown(key, key, types))
        elif not has_type(value, types[key]):
            problems.add(name, key, f"{key} must be {in_words(types[key])}, found {value!r}")
        else:
            values[key] = value
    return values


def has_type(value: object, wanted: str) -> bool:
    """Whether a value from TOML is of the type that a dataclass field names."""
    if wanted.startswith("tuple"):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if wanted.startswith("float"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if wanted.startswith("int"):
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str)


def in_words(wanted: str) -> str:
    """The type of a dataclass field for people."""
    if wanted.startswith("tuple"):
        return "a list of names"
    return {"float": "a number", "str": "text"}.get(wanted.split()[0], "a whole number")


def unknown(what: str, key: str, known: Iterable[str]) -> str:
    """The message for an unknown name, with the nearest known one."""
    known = list(known)
    close = difflib.get_close_matches(key, known, 1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
    return f"unknown {what} ({hint})"
