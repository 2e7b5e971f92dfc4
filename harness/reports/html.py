"""The board as one self-contained HTML page: no request, readable without its script. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.board import Board, Row
from harness.records.check import Check, Outcome
from harness.reports import page, wording
from harness.reports.axis import Axis, Bar, axis_of, bar
from harness.reports.curves import Chart, class_chart, seed_chart
from harness.reports.digits import picture
from harness.reports.matrix import confusion_cells, models_of, pair_table
from harness.reports.neutral import neutral
from harness.reports.scatter import scatter

STYLES = ("colors.css", "page.css", "pictures.css")


@dataclass(frozen=True)
class DrawnRow:
    """One row with its drawings, the line below it, and the checks shown there."""

    row: Row
    bar: Bar | None
    chart: Chart | None
    summary: str
    checks: tuple[Check, ...]

    @property
    def has_more(self) -> bool:
        """Is there anything to unfold?"""
        return bool(self.row.layers or self.checks or self.row.fingerprint)


def board_html(board: Board) -> str:
    """leaderboard.html."""
    board = neutral(board)
    axis = axis_of(board)
    return page.render(
        "leaderboard.html",
        style=page.file(*STYLES),
        script=page.file("board.js"),
        board=board,
        columns=wording.columns(board),
        entries=[_entry(row, axis) for row in board.rows],
        axis=axis,
        references=references(board, axis),
        scatter=scatter(board),
        curves=class_chart(board),
        pairs=pair_table(board),
        confusion=confusion_cells(board.confusion, models_of(board.confusion)),
        images={digit.index: picture(board.images, digit.index) for digit in board.hardest},
    )


def _entry(row: Row, axis: Axis | None) -> DrawnRow:
    shown = tuple(check for check in row.checks if check.outcome is not Outcome.PASSED or check.try_)
    return DrawnRow(row, bar(axis, row) if axis else None, seed_chart(row), _summary(row), shown)


def _summary(row: Row) -> str:
    """`7 layers · 14 of 14 checks passed · same model as ben`."""
    parts = [wording.short_reason(row)] if row.reason else []
    parts += [f"{len(row.layers)} layers"] if row.layers else []
    parts += [wording.checks_passed(row.checks)] if row.checks else []
    parts += [f"same model as {wording.same_as(row)}"] if row.same_as else []
    return " · ".join(parts)


def references(board: Board, axis: Axis | None) -> list[str]:
    """Position of each reference's mark; a reference off the axis has none."""
    bars = [bar(axis, row) for row in board.rows if row.is_reference] if axis else []
    return [drawn.mean for drawn in bars if drawn and not drawn.is_off]
