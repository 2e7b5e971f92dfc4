"""The board as one self-contained HTML page: no script, no request, readable as it lies on a disk. Pure."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from harness.reports import wording
from harness.reports.axis import Axis, Bar, Chart, axis_of, bar, chart
from harness.reports.neutral import neutral
from harness.results import Board, Row


@dataclass(frozen=True)
class Entry:
    """One row with its drawings and the line below it."""

    row: Row
    bar: Bar | None
    chart: Chart | None
    summary: str

    @property
    def has_more(self) -> bool:
        """Is there anything to unfold?"""
        return bool(self.row.layers or self.row.checks or self.row.fingerprint)


def board_html(board: Board) -> str:
    """leaderboard.html."""
    board = neutral(board)
    axis = axis_of(board)
    style = _style()
    return _template().render(
        board=board,
        columns=wording.columns(board),
        entries=[_entry(row, axis) for row in board.rows],
        axis=axis,
        references=_references(board, axis),
        words=wording,
        style=Markup(style),  # our own file, and the policy names its hash: markup in it could not come from a student
        policy=_policy(style),
    )


def _entry(row: Row, axis: Axis | None) -> Entry:
    return Entry(row, bar(axis, row) if axis else None, chart(row.curves), _summary(row))


def _summary(row: Row) -> str:
    """`7 layers · 14 of 14 checks passed · same model as ben`."""
    parts = [wording.short_reason(row)] if row.reason else []
    parts += [f"{len(row.layers)} layers"] if row.layers else []
    parts += [wording.checks_passed(row.checks)] if row.checks else []
    parts += [f"same model as {wording.listed(row.same_as)}"] if row.same_as else []
    return " · ".join(parts)


def _references(board: Board, axis: Axis | None) -> list[str]:
    """Where the mark of each reference stands; a reference off the axis has none."""
    bars = [bar(axis, row) for row in board.rows if row.is_reference] if axis else []
    return [drawn.mean for drawn in bars if drawn and not drawn.is_off]


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("harness.reports", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("leaderboard.html")


@cache
def _style() -> str:
    return resources.files("harness.reports").joinpath("templates", "leaderboard.css").read_text(encoding="utf-8")


def _policy(style: str) -> str:
    """A content security policy that allows this one style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
