"""A student's own page: every check, the measurements, and the digits to look at; it contains no other name. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.handins.filenames import file_names
from harness.records.board import Board, Row
from harness.reports import page, wording
from harness.reports.axis import Axis, axis_of, bar
from harness.reports.curves import loss_chart, seed_chart
from harness.reports.digits import picture
from harness.reports.html import STYLES, references
from harness.reports.matrix import confusion_cells, models_of
from harness.reports.neutral import neutral
from harness.reports.svg import Box, svg_file


@dataclass(frozen=True)
class _Class:
    """What all pages of a board share."""

    board: Board
    axis: Axis | None
    marks: list[str]
    ranked: int


def student_pages(board: Board) -> dict[str, str]:
    """Each submission's page by its file name; references have none."""
    names = [f"{name}.html" for name in file_names(row.submission for row in board.rows if not row.is_reference)]
    board = neutral(board)
    axis = axis_of(board)
    ranked = sum(row.place_low is not None for row in board.rows)
    group = _Class(board, axis, references(board, axis), ranked)
    rows = [row for row in board.rows if not row.is_reference]
    return {name: _page(group, row) for name, row in zip(names, rows, strict=True)}


def student_curves(board: Board) -> dict[str, str]:
    """Each submission's learning curves, accuracy above loss, by file name; submissions without curves are omitted."""
    rows = [row for row in board.rows if not row.is_reference]
    names = file_names(row.submission for row in rows)
    shown = (row for row in neutral(board).rows if not row.is_reference)
    drawn = ((name, _curves(row)) for name, row in zip(names, shown, strict=True))
    return {f"{name}.svg": text for name, text in drawn if text}


def _curves(row: Row) -> str:
    charts = [chart for chart in (seed_chart(row, training=True), loss_chart(row)) if chart]
    if not charts:
        return ""
    body = page.environment().get_template("pictures.html").module.own_curves(charts)  # type: ignore[attr-defined]
    return svg_file(f"{row.submission}: learning curves", Box(-14, -32, 360, 140 * len(charts) + 10), body)


def _page(group: _Class, row: Row) -> str:
    """One page. The class appears on it as counts and shares, never by name."""
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
        curve=seed_chart(row, reference, training=True) if row.runs else None,
        loss=loss_chart(row),
        confusion=confusion_cells(row.confusion, models_of(row.confusion)),
        images={digit.index: picture(board.images, digit.index) for digit in row.surprises},
        failed=wording.failed_checks(row),
    )


def _reference(board: Board, row: Row) -> Row | None:
    """The reference of the submission's framework, or any other."""
    found = [other for other in board.rows if other.is_reference]
    own = [other for other in found if other.framework is row.framework]
    return next(iter(own + found), None)
