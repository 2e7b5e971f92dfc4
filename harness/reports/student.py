"""A student's own page: every check, what was measured, and the digits to look at; no other name is on it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.reports import page, wording
from harness.reports.axis import Axis, axis_of, bar
from harness.reports.curves import seed_chart
from harness.reports.digits import picture
from harness.reports.html import STYLES, references
from harness.reports.matrix import confusion_cells, models_of
from harness.reports.neutral import neutral
from harness.results import Board, Row

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_MADE = re.compile(r"(?i)-[0-9a-f]{12}$")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)$")


@dataclass(frozen=True)
class _Class:
    """What all pages of a board share."""

    board: Board
    axis: Axis | None
    marks: list[str]
    ranked: int


def student_pages(board: Board) -> dict[str, str]:
    """Each submission's page by the name of its file; references have none."""
    names = file_names(row.submission for row in board.rows if not row.is_reference)
    board = neutral(board)
    axis = axis_of(board)
    ranked = sum(row.place_low is not None for row in board.rows)
    group = _Class(board, axis, references(board, axis), ranked)
    rows = [row for row in board.rows if not row.is_reference]
    return {name: _page(group, row) for name, row in zip(names, rows, strict=True)}


def _page(group: _Class, row: Row) -> str:
    """One page. The class is on it as a count and as shares, never by name."""
    board = group.board
    reference = _reference(board, row)
    return page.render(
        "student.html",
        style=page.file(*STYLES),
        board=board,
        row=replace(row, same_as=()),
        reference=reference,
        ranked=group.ranked,
        axis=group.axis,
        bar=bar(group.axis, row) if group.axis else None,
        references=group.marks,
        curve=seed_chart(row, reference) if row.runs else None,
        confusion=confusion_cells(row.confusion, models_of(row.confusion)),
        images={digit.index: picture(board.images, digit.index) for digit in row.surprises},
        failed=wording.failed_checks(row),
    )


def _reference(board: Board, row: Row) -> Row | None:
    """The reference of the submission's framework, or the one there is."""
    found = [other for other in board.rows if other.is_reference]
    own = [other for other in found if other.framework is row.framework]
    return next(iter(own + found), None)


def file_names(submissions: Iterable[str]) -> list[str]:
    """A file name for each submission that no system stumbles over, and no two that one system takes for the same."""
    names = list(submissions)
    spellings = Counter(name.casefold() for name in names)
    return [_file_name(name, is_alone=spellings[name.casefold()] == 1) for name in names]


def _file_name(name: str, *, is_alone: bool) -> str:
    """A name that could be the file name we make of another name is no plain one either."""
    if is_alone and _PLAIN_NAME.fullmatch(name) and not _RESERVED.match(name) and not _MADE.search(name):
        return f"{name}.html"
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')[:40] or 'submission'}-{digest}.html"
