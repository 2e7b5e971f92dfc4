"""Untrusted text made harmless: student names, file names, messages. Pure.

`neutral` removes terminal escapes, bidi overrides, invisible characters, line breaks and endless text from a whole
record. `markdown` and `spreadsheet` add what their format requires; HTML is escaped by jinja2, and
the terminal gets `rich.text.Text`, which reads no markup.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

Record = TypeVar("Record")

NAME_LIMIT = 60
TEXT_LIMIT = 600
_NAMES = {"submission", "same_as", "label", "entry"}
_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P^_].*?(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]", re.DOTALL)
_UNSEEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn"}
_UNSEEN_LETTERS = "\u115f\u1160\u3164\uffa0\u2800"
_REPLACEMENT = "\ufffd"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_MARKDOWN = re.compile(r"[\\`*\[\]|~$#]|(?<![^\W_])_|_(?![^\W_])")
_MARKDOWN_LINKS = {"&": "&amp;", "<": "&lt;", "@": "&#64;", "://": "&#58;//", "www.": "www&#46;"}


def neutral(record: Record) -> Record:
    """The same record with every text in it cleaned: dataclasses, tuples and mappings are followed.

    The last result is cached, because each rendering of a board asks for the same one.
    """
    global _last
    asked, cleaned = _last
    if asked is not record:
        cleaned = _neutral(record, TEXT_LIMIT)
        _last = record, cleaned
    return cast(Record, cleaned)


_last: tuple[object, object] = None, None


def _neutral(value: object, limit: int) -> object:
    """What has nothing to clean stays the same object: copying a class takes longer than looking at it."""
    if _is_harmless(type(value)):
        return value
    if isinstance(value, str):
        cleaned = clean(value, limit)
        return value if cleaned == value else cleaned
    if isinstance(value, tuple):
        return value if _HARMLESS.issuperset(map(type, value)) else _neutral_items(value, limit)
    if isinstance(value, Mapping):
        return {_neutral(key, NAME_LIMIT): _neutral(item, limit) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return _neutral_fields(value, _limits_of(type(value)))
    return value


def _neutral_items(value: tuple[object, ...], limit: int) -> tuple[object, ...]:
    items = [_neutral(item, limit) for item in value]
    return value if all(map(operator.is_, items, value)) else tuple(items)


def _neutral_fields(value: Any, limits: tuple[tuple[str, int], ...]) -> object:
    changed: dict[str, Any] = {}
    for name, limit in limits:
        found: object = getattr(value, name)
        if not _is_harmless(type(found)) and (cleaned := _neutral(found, limit)) is not found:
            changed[name] = cleaned
    return replace(value, **changed) if changed else value


_HARMLESS = {int, float, bool, bytes, type(None)}


_is_harmless: Callable[[type], bool] = cache(lambda kind: kind in _HARMLESS or issubclass(kind, Enum))
"""Whether values of a type hold no text of a student; the words of an enumeration are ours."""


@cache
def _limits_of(record: type[Any]) -> tuple[tuple[str, int], ...]:
    """Each field of a record with the limit of its texts."""
    return tuple((field.name, NAME_LIMIT if field.name in _NAMES else TEXT_LIMIT) for field in fields(record))


@lru_cache(maxsize=1 << 16)
def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """One line of at most `limit` visible characters. Invisible characters become a visible sign, so that a name with
    a hidden character does not pass for another name; color codes of error messages are dropped."""
    without_colors = _ESCAPE_SEQUENCE.sub("", text[: limit * 8])
    line = " ".join(without_colors.split())
    seen = "".join(_REPLACEMENT if _is_unseen(character) else character for character in line)
    cleaned = re.sub(f"{_REPLACEMENT}+", _REPLACEMENT, seen)
    if len(cleaned) > limit:
        return cleaned[: limit - 1].rstrip() + "…"
    return cleaned or (_REPLACEMENT if text else "")


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN_CATEGORIES or character in _UNSEEN_LETTERS


def markdown(text: str) -> str:
    """Text that reads as itself in a Markdown cell, heading or list item: no markup, no HTML, no links."""
    escaped = _MARKDOWN.sub(r"\\\g<0>", text)
    escaped = re.sub(r"^(\d*)([-+>=.)])", r"\1\\\2", escaped)  # a list, quote or heading begins only at the start
    # Entities, because a backslash does not stop a forge from linking addresses and mentions.
    return re.sub(r"[&<@]|://|www\.", lambda match: _MARKDOWN_LINKS[match.group()], escaped)


def spreadsheet(text: str) -> str:
    """Text that no spreadsheet program treats as a formula: it is prefixed with a quote."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
