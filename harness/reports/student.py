"""A student's own page: every check, what was measured, and the digits to look at; no other name is on it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace

from harness.reports import page, wording
from harness.reports.axis import axis_of, bar
from harness.reports.curves import seed_chart
from harness.reports.digits import picture
from harness.reports.html import STYLES, TEST_IMAGES, references
from harness.reports.matrix import confusion_cells, models_of
from harness.reports.neutral import neutral
from harness.results import Board, Row

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)$")


def student_pages(board: Board) -> dict[str, str]:
    """Each submission's page by the name of its file; references have none."""
    rows = [row for row in board.rows if not row.is_reference]
    names = file_names(row.submission for row in rows)
    board = neutral(board)
    clean = [row for row in board.rows if not row.is_reference]
    return {name: student_html(board, row) for name, row in zip(names, clean, strict=True)}


def student_html(board: Board, row: Row) -> str:
    """One page, of a cleaned board. The class is on it as a count and as shares, never by name."""
    row = replace(row, same_as=())
    axis = axis_of(board)
    reference = _reference(board, row)
    return page.render(
        "student.html",
        style=page.file(*STYLES),
        board=board,
        row=row,
        reference=reference,
        ranked=sum(other.place_low is not None for other in board.rows),
        axis=axis,
        bar=bar(axis, row) if axis else None,
        references=references(board, axis),
        curve=seed_chart(row, reference),
        confusion=confusion_cells(row.confusion, models_of(row.confusion, TEST_IMAGES)),
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
    folded = [name.casefold() for name in names]
    return [_file_name(name, is_alone=folded.count(name.casefold()) == 1) for name in names]


def _file_name(name: str, *, is_alone: bool) -> str:
    if is_alone and _PLAIN_NAME.fullmatch(name) and not _RESERVED.match(name):
        return f"{name}.html"
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')[:40] or 'submission'}-{digest}.html"
