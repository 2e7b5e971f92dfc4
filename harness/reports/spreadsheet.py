"""The board as CSV, for spreadsheets and data frames: one line per submission, or per seed. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from harness.records.board import Board, Row, SeedRun
from harness.reports.machine import number
from harness.reports.neutral import neutral, spreadsheet

Cell = str | int | float | None

_COLUMNS: dict[str, Callable[[Row, Board], Cell]] = {
    "place_low": lambda row, _: row.place_low,
    "place_high": lambda row, _: row.place_high,
    "submission": lambda row, _: row.submission,
    "framework": lambda row, _: row.framework and str(row.framework),
    "status": lambda row, _: str(row.status),
    "reason": lambda row, _: row.reason,
    "matches_reference": lambda row, _: str(row.matches_reference).lower(),
    "parameters": lambda row, _: row.parameters,
    "parameters_ratio": lambda row, board: _ratio(row.parameters, board.reference_parameters),
    "macs": lambda row, _: row.macs,
    "versus_reference": lambda row, _: row.versus_reference and str(row.versus_reference),
    "accuracy": lambda row, _: rounded(row.accuracy, 6),
    "accuracy_low": lambda row, _: rounded(row.accuracy_low, 6),
    "accuracy_high": lambda row, _: rounded(row.accuracy_high, 6),
    "errors_per_10000": lambda row, _: rounded(row.errors_per_10000, 2),
    "seeds_done": lambda row, _: row.seeds_done,
    "seeds_asked": lambda row, _: row.seeds_asked,
    "seconds": lambda row, _: rounded(row.seconds, 3),
    "fingerprint": lambda row, _: row.fingerprint,
    "same_as": lambda row, _: ", ".join(row.same_as),
    "findings": lambda row, _: "; ".join(f"{check.name}: {check.brief}" for check in row.findings),
    "trained_by": lambda row, _: row.engine and str(row.engine),
    "cross_accuracy": lambda row, _: rounded(row.cross_accuracy, 6),
    "sandboxed": lambda _, board: str(board.sandboxed).lower(),
}


_RUN_COLUMNS: dict[str, Callable[[SeedRun, Row, Board], Cell]] = {
    "submission": lambda _, row, __: row.submission,
    "framework": lambda _, row, __: row.framework and str(row.framework),
    "seed": lambda run, _, __: run.seed,
    "status": lambda run, _, __: str(run.status),
    "reason": lambda run, _, __: run.reason,
    "accuracy": lambda run, _, __: rounded(run.accuracy, 6),
    "errors_per_10000": lambda run, _, __: rounded(10_000 * (1 - run.accuracy), 2),
    "seconds": lambda run, _, __: rounded(run.seconds, 3),
    "peak_memory_mib": lambda run, _, __: rounded(run.peak_memory / 2**20, 1),
    "epochs": lambda run, _, __: len(run.curve.train_loss),
    "train_loss": lambda run, _, __: _last(run.curve.train_loss),
    "validation_loss": lambda run, _, __: _last(run.curve.validation_loss),
    "validation_accuracy": lambda run, _, __: _last(run.curve.validation_accuracy),
    "is_reference": lambda _, row, __: str(row.is_reference).lower(),
    "fingerprint": lambda _, row, __: row.fingerprint,
    "budget_hash": lambda _, __, board: board.budget_hash,
}


def _columns(board: Board) -> dict[str, Callable[[Row, Board], Cell]]:
    """The columns of a board: points, in total and for each part, only where there are any."""
    if not board.points_rule:
        return _COLUMNS
    parts = {f"points_{name}": partial(_part, name) for name in board.points_parts}
    return {**_COLUMNS, "points": _points, **parts}


def _points(row: Row, _: Board) -> Cell:
    return rounded(row.points.earned, 2) if row.points else None


def _part(name: str, row: Row, _: Board) -> Cell:
    parts = row.points.parts if row.points else ()
    return next((rounded(part.earned, 2) for part in parts if part.name == name), None)


def board_csv(board: Board) -> str:
    """leaderboard.csv. A missing value is an empty cell; text that looks like a formula is prefixed with a quote."""
    board = neutral(board)
    columns = _columns(board)
    return table(list(columns), ([cell(row, board) for cell in columns.values()] for row in board.rows))


def runs_csv(board: Board) -> str:
    """runs.csv: one line per seed of each submission, in board order; with the same safety as leaderboard.csv."""
    board = neutral(board)
    runs = [(run, row) for row in board.rows for run in row.runs]
    return table(list(_RUN_COLUMNS), ([cell(run, row, board) for cell in _RUN_COLUMNS.values()] for run, row in runs))


def table(columns: Sequence[str], lines: Iterable[Sequence[Cell]]) -> str:
    """A CSV; text that looks like a formula is prefixed with a quote."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_safe(cell) for cell in line] for line in lines)
    return text.getvalue()


def _last(values: Sequence[float]) -> float | None:
    return rounded(values[-1], 6) if values else None


def _safe(cell: Cell) -> Cell:
    return spreadsheet(cell) if isinstance(cell, str) else cell


def rounded(value: float | None, digits: int) -> float | None:
    """A number rounded to `digits`; None for what is not a number."""
    known = number(value)
    return None if known is None else round(known, digits)


def _ratio(parameters: int | None, reference: int) -> float | None:
    return None if parameters is None or not reference else round(parameters / reference, 4)


def records_csv(records: Sequence[Mapping[str, object]]) -> str:
    """One line per record, all with the same fields; anything but text and numbers is left empty."""
    names = list(records[0]) if records else list[str]()
    return table(names, ([_cell(record[name]) for name in names] for record in records))


def _cell(value: object) -> Cell:
    if isinstance(value, bool):
        return str(value).lower()
    return rounded(value, 6) if isinstance(value, float) else value if isinstance(value, (str, int)) else None
