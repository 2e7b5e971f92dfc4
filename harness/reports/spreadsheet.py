"""The board as CSV, one line for each submission, for spreadsheets and data frames. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from harness.reports.machine import number
from harness.reports.neutral import neutral, spreadsheet
from harness.results import Board, Row

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
    "accuracy": lambda row, _: _rounded(row.accuracy, 6),
    "accuracy_low": lambda row, _: _rounded(row.accuracy_low, 6),
    "accuracy_high": lambda row, _: _rounded(row.accuracy_high, 6),
    "errors_per_10000": lambda row, _: _rounded(row.errors_per_10000, 2),
    "seeds_done": lambda row, _: row.seeds_done,
    "seeds_asked": lambda row, _: row.seeds_asked,
    "seconds": lambda row, _: _rounded(row.seconds, 3),
    "fingerprint": lambda row, _: row.fingerprint,
    "same_as": lambda row, _: ", ".join(row.same_as),
    "findings": lambda row, _: "; ".join(f"{check.name}: {check.brief}" for check in row.findings),
    "sandboxed": lambda _, board: str(board.sandboxed).lower(),
}


def _columns(board: Board) -> dict[str, Callable[[Row, Board], Cell]]:
    """The columns of a board: points, in total and for each part, only where there are any."""
    if not board.points_rule:
        return _COLUMNS
    parts = {f"points_{name}": partial(_part, name) for name in board.points_parts}
    return {**_COLUMNS, "points": _points, **parts}


def _points(row: Row, _: Board) -> Cell:
    return _rounded(row.points.earned, 2) if row.points else None


def _part(name: str, row: Row, _: Board) -> Cell:
    parts = row.points.parts if row.points else ()
    return next((_rounded(part.earned, 2) for part in parts if part.name == name), None)


def board_csv(board: Board) -> str:
    """leaderboard.csv. What is missing is an empty cell; text that looks like a formula has a quote in front."""
    import pandas  # 0.8 s of import, which the other renderings and `harness check` need not wait for

    board = neutral(board)
    columns = _columns(board)
    lines = [[_safe(cell(row, board)) for cell in columns.values()] for row in board.rows]
    # As objects, or pandas would turn whole numbers beside an empty cell into fractions.
    frame = pandas.DataFrame(lines, columns=list(columns), dtype=object)
    return str(frame.to_csv(index=False, lineterminator="\n"))


def _safe(cell: Cell) -> Cell:
    return spreadsheet(cell) if isinstance(cell, str) else cell


def _rounded(value: float | None, digits: int) -> float | None:
    known = number(value)
    return None if known is None else round(known, digits)


def _ratio(parameters: int | None, reference: int) -> float | None:
    return None if parameters is None or not reference else round(parameters / reference, 4)
