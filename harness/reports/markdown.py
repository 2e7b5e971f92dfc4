"""The board as Markdown, for a forge. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tabulate import tabulate

from harness.records.board import Board, Row
from harness.reports import wording
from harness.reports.axis import axis_of
from harness.reports.neutral import markdown, neutral
from harness.reports.scatter import scatter
from harness.reports.wording import Column, Item


def board_markdown(board: Board) -> str:
    """leaderboard.md: the table, what failed and what to try, and how it was measured."""
    board = neutral(board)
    blocks = [
        f"# {markdown(board.title)}",
        *warning(board.sandboxed),
        f"{markdown(board.budget)} (budget hash {markdown(board.budget_hash)})",
        table(wording.columns(board), board.rows),
        *_bullets(wording.notes(board)),
        *_pictures(board),
        *_failures(board),
        *_measurement(board),
    ]
    return "\n\n".join(blocks) + "\n"


def warning(sandboxed: bool) -> list[str]:
    """The warning that student code ran without walls, if it did."""
    return [] if sandboxed else [f"**{markdown(wording.UNSANDBOXED)}**"]


def table(columns: Sequence[Column[Item]], items: Iterable[Item]) -> str:
    """A Markdown table with a line for each item."""
    cells = [[column.text(item) for column in columns] for item in items]
    return grid([column.title for column in columns], cells, ["right" if c.right else "left" for c in columns])


def grid(headers: Sequence[str], cells: Iterable[Sequence[str]], sides: Sequence[str]) -> str:
    """A Markdown table of unescaped texts; `sides` has left or right for each column."""
    escaped = [[markdown(text) for text in line] for line in cells]
    titles = [markdown(title) for title in headers]
    # numparse off: a submission named 1e3 keeps its name
    return str(tabulate(escaped, headers=titles, tablefmt="pipe", colalign=sides, disable_numparse=True))


def _bullets(texts: Iterable[str]) -> list[str]:
    lines = [f"- {markdown(text)}" for text in texts]
    return ["\n".join(lines)] if lines else []


def _pictures(board: Board) -> list[str]:
    """The two most important ones; they are next to this file wherever something was measured."""
    accuracy = ["![Accuracy with its 95 % interval](pictures/accuracy.svg)"] if axis_of(board) else []
    parameters = ["![Accuracy vs. parameters](pictures/parameters.svg)"] if scatter(board) else []
    return accuracy + parameters


def _failures(board: Board) -> list[str]:
    rows = wording.failed_rows(board)
    return [f"## {wording.TROUBLE}", *(block for row in rows for block in _failure(row))] if rows else []


def _failure(row: Row) -> list[str]:
    name = f"{row.submission} ({wording.framework(row.framework)})" if row.framework else row.submission
    lines: list[str] = []
    for check in wording.failed_checks(row):
        lines.append(f"- **{markdown(check.name)}** ({check.outcome})")
        lines += [f"  - {heading}: {markdown(text)}" for heading, text in wording.parts(check)]
    blocks = [f"### {markdown(name)}", markdown(wording.full_status(row))]
    return [*blocks, "\n".join(lines)] if lines else blocks


def _measurement(board: Board) -> list[str]:
    columns = [(column.title, column.help) for column in wording.columns(board)]
    blocks = ["## How it was measured", *(markdown(sentence) for sentence in wording.measurement(board))]
    return [*blocks, *measured_with(board.environment), grid(["column", "meaning"], columns, ["left", "left"])]


def measured_with(environment: Mapping[str, str], command: str = "") -> list[str]:
    """The versions and processors used, and the command, where they are known."""
    blocks = [grid(["environment", ""], environment.items(), ["left", "left"])] if environment else []
    return [*blocks, f"Command: `{markdown(command)}`"] if command else blocks
