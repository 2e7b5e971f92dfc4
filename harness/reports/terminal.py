"""The board and the verdict for a terminal. Text goes in as `Text`, which reads no markup.

Below 180 columns related figures share a cell, stacked, so that no column is lost.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, JustifyMethod, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.records.board import Board, Row, Status
from harness.records.check import Check, Outcome
from harness.records.claim import Claim
from harness.records.layer import Layer
from harness.records.verdict import Verdict
from harness.reports import layer_wording, wording
from harness.reports.neutral import neutral
from harness.reports.wording import Column

_PIPED_WIDTH = 190
_WIDE = 180
_TEXT_WIDTH = 9
_MOST_ROWS = 250
_MOST_FAILURES = 40
"""Nobody reads more than that in a terminal, and laying it out takes longer than scoring it."""
_FORMULA_WIDTH = 24
_BREAKS = re.compile(r" (?=\()|(?<=[a-z]) (?=[a-z])")
"""Where a cell may be wrapped in a narrow terminal."""
_STACKED = {
    "matches": "framework",
    "macs": "parameters",
    "errors": "accuracy",
    "versus": "accuracy",
    "seconds": "seeds",
    "cross_accuracy": "accuracy",
    "points": "place",
    "findings": "status",
}
_STATUS_STYLES = {
    Status.RANKED: "green",
    Status.PROVISIONAL: "yellow",
    Status.FAILED: "red",
    Status.ERRORED: "magenta",
}
_OUTCOME_MARKS = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FLAGGED: ("?", "yellow"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.SKIPPED: ("–", "dim"),
    Outcome.ERRORED: ("!", "magenta"),
}

_LET_PASS = {True: "allowed by this assignment", False: "not a failure"}
_HEALTH_MARKS = {"good": ("✓", "green"), "note": ("·", "yellow"), "bad": ("✗", "red")}

_LAYER_COLUMNS: tuple[tuple[str, JustifyMethod], ...] = (
    ("layer", "left"),
    ("kind", "left"),
    ("output", "left"),
    ("parameters", "right"),
    ("count spelled out", "left"),
    ("MACs", "right"),
)


def make_console(file: TextIO | None = None) -> Console:
    """A console that prints our text as it is; piped output is wide enough for the whole board."""
    stream = file or sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")  # a name outside a narrow encoding must not end the command
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, _PIPED_WIDTH)
    return console


def board_table(board: Board) -> RenderableType:
    """The leaderboard, its budget and notes, and what to fix in the failed submissions."""
    board = neutral(board)
    warning = [] if board.sandboxed else [Text(f"{wording.UNSANDBOXED}\n", style="bold red")]
    parts: list[RenderableType] = [*warning, _BoardTable(board), *_footer(board)]
    rows = wording.failed_rows(board)
    if rows:
        parts += [Text(f"\n{wording.TROUBLE}", style="bold"), *(_failure(row) for row in rows[:_MOST_FAILURES])]
        parts += _more(len(rows) - _MOST_FAILURES)
    return Group(*parts)


def _more(count: int) -> list[RenderableType]:
    return [Text(f"\n… and {count:,} more, all in the reports", style="dim")] if count > 0 else []


def verdict_view(verdict: Verdict) -> RenderableType:
    """What `harness check` says about one submission."""
    verdict = neutral(verdict)
    header = Text.assemble((verdict.submission, "bold"), *(f"  {fact}" for fact in _verdict_header(verdict)))
    parts: list[RenderableType] = [header, Text()]
    if verdict.layers:
        parts += [_layers(verdict), Text()]
    if verdict.claims:
        parts += [_claims(verdict.claims), Text()]
    parts += [check_list(verdict.checks), Text()]
    style = f"bold {_OUTCOME_MARKS[verdict.outcome][1]}"
    return Group(*parts, Text(verdict_sentence(verdict), style=style))


def fact_line(name: str, found: str, follows: str, health: str) -> RenderableType:
    """One line of `harness doctor`: a mark, what was checked, what was found, and below it what follows."""
    mark, style = _HEALTH_MARKS[health]
    grid = Table.grid(padding=(0, 1))
    for width in (1, 10, None):
        grid.add_column(width=width, overflow="fold")
    name, found, follows = neutral(name), neutral(found), neutral(follows)
    grid.add_row(Text(mark, style=style), Text(name, style="bold"), Text.assemble(found, "\n", (follows, "dim")))
    return grid


@dataclass(frozen=True)
class _BoardTable:
    """The table of rows; it knows its width only when it is printed."""

    board: Board

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= _WIDE
        cells = _cells(wording.columns(self.board), wide)
        table = plain_table(self.board.title)
        for stack in cells:
            is_text = stack[0].key in ("submission", "status", "findings")
            table.add_column(
                "\n".join(column.title for column in stack),
                justify="right" if stack[0].right else "left",
                width=None if is_text else _width(stack, self.board, wide),
                min_width=_TEXT_WIDTH if is_text else None,
                overflow="fold",
            )
        for row in self.board.rows[:_MOST_ROWS]:
            table.add_row(*(_cell(stack, row) for stack in cells), style="dim" if row.is_reference else None)
        yield table
        yield from _more(len(self.board.rows) - _MOST_ROWS)


def plain_table(title: str | None = None) -> Table:
    """A table with a rule below its header, and no other lines."""
    return Table(
        title=title and Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        header_style="bold",
    )


def _cells(columns: Sequence[Column[Row]], wide: bool) -> list[list[Column[Row]]]:
    """Columns that share a cell: one each where there is room."""
    stacks: dict[str, list[Column[Row]]] = {}
    for column in columns:
        home = column.key if wide else _STACKED.get(column.key, column.key)
        stacks.setdefault(home, []).append(column)
    return list(stacks.values())


def _width(stack: Sequence[Column[Row]], board: Board, wide: bool) -> int:
    """Figures wrap only before parentheses and between words, where room is short; a title takes two lines."""
    texts = [column.text(row) for column in stack for row in board.rows]
    pieces = texts if wide else [piece for text in texts for piece in _BREAKS.sub("\n", text).split("\n")]
    words = [word for column in stack for word in column.title.split()]
    halves = [(len(column.title) + 2) // 2 for column in stack] if wide else []
    return max([*(cell_len(text) for text in (*pieces, *words)), *halves])


def _cell(stack: Sequence[Column[Row]], row: Row) -> Text:
    style = _STATUS_STYLES[row.status] if stack[0].key == "status" else ""
    return Text("\n".join(column.text(row) for column in stack), style=style)


def _footer(board: Board) -> Iterator[RenderableType]:
    yield Text(f"\n{board.budget}")
    yield Text(f"budget hash {board.budget_hash} · data {board.dataset}", style="dim")
    for note in wording.notes(board):
        yield _grid([(Text("·"), Text(note))])


def _failure(row: Row) -> RenderableType:
    """One failed submission: its status in full and each failed check."""
    header = Text.assemble("\n", (row.submission, "bold"), "  ", (wording.full_status(row), _STATUS_STYLES[row.status]))
    return Group(header, check_list(wording.failed_checks(row)))


def check_list(checks: Sequence[Check]) -> RenderableType:
    """A mark for each check, and its messages."""
    return _grid([(_mark(check), _messages(check)) for check in checks], indent=2)


def _mark(check: Check) -> Text:
    mark, style = _OUTCOME_MARKS[check.outcome]
    return Text(mark, style=style)


def _messages(check: Check) -> RenderableType:
    """All messages of a check that found something; of one that passed, its note if it has one."""
    if check.outcome in (Outcome.FLAGGED, Outcome.FAILED, Outcome.ERRORED):
        lines = [(Text(heading, style="dim"), Text(text)) for heading, text in wording.parts(check)]
        remark = f"  {_LET_PASS[bool(check.brief)]}" if check.outcome is Outcome.FLAGGED else ""
        return Group(Text.assemble((check.name, "bold"), (remark, "dim")), _grid(lines))
    remark = "skipped" if check.outcome is Outcome.SKIPPED else ""
    line = Text.assemble(check.name, "  ", (check.found or remark, "dim"))
    return Group(line, _grid([(Text("note", style="dim"), Text(check.try_))])) if check.try_ else line


def _grid(lines: Sequence[tuple[Text, RenderableType]], indent: int = 0) -> RenderableType:
    """Headings next to texts; a long text wraps next to its heading, not below it."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for heading, text in lines:
        grid.add_row(heading, text)
    return Padding(grid, (0, 0, 0, indent), expand=False)


def _layers(verdict: Verdict) -> Table:
    table = plain_table()
    lines = [_layer(layer) for layer in verdict.layers]
    for index, (title, side) in enumerate(_LAYER_COLUMNS):
        widest = max(cell_len(line[index]) for line in lines)
        least = None if title in ("layer", "kind") else min(widest, _FORMULA_WIDTH)
        table.add_column(title, justify=side, overflow="fold", min_width=least)
    for line in lines:
        table.add_row(*(Text(text) for text in line))
    table.add_section()
    total = ("total", "", "", wording.count(verdict.parameters), "", wording.count(verdict.macs))
    table.add_row(*(Text(text) for text in total), style="bold")
    return table


_CLAIM_COLUMNS: tuple[tuple[str, JustifyMethod], ...] = (
    ("", "left"),
    ("claim", "left"),
    ("you said", "right"),
    ("correct", "right"),
    ("count spelled out", "left"),
    ("likely mistake", "left"),
)


def _claims(claims: Sequence[Claim]) -> Table:
    """What the student claimed, and the correct counts."""
    table = plain_table()
    for title, side in _CLAIM_COLUMNS:
        table.add_column(title, justify=side, overflow="fold")
    for claim in claims:
        mark, style = _OUTCOME_MARKS[Outcome.PASSED if claim.is_right else Outcome.FLAGGED]
        table.add_row(Text(mark, style=style), *(Text(text) for text in wording.claimed(claim)))
    return table


def _layer(layer: Layer) -> tuple[str, ...]:
    return (
        layer.label or wording.NOTHING,
        layer_wording.layer_kind(layer),
        wording.shape(layer.output_shape),
        layer_wording.layer_parameters(layer),
        layer_wording.layer_count(layer),
        layer_wording.layer_macs(layer),
    )


def _verdict_header(verdict: Verdict) -> tuple[str, ...]:
    """What was checked: framework, entry, form of input and output."""
    kind = str(verdict.output_kind) if verdict.output_kind else ""
    facts = (
        wording.framework(verdict.framework),
        verdict.entry,
        verdict.input_form and f"input {verdict.input_form}",
        kind,
    )
    return tuple(fact for fact in facts if fact and fact != wording.NOTHING)


def verdict_sentence(verdict: Verdict) -> str:
    """The last line of `check`: the result and the next step."""
    name = verdict.submission
    wrong = [check for check in verdict.checks if check.outcome is verdict.outcome]
    if verdict.outcome is Outcome.ERRORED:
        return f"{name} could not be checked ({wrong[0].name}): this is the harness's fault, not yours."
    if verdict.outcome is Outcome.FAILED:
        more = f"; fix {wrong[0].name} first" if len(wrong) > 1 else f": {wrong[0].name}"
        return f"{name} failed {len(wrong)} of {len(verdict.checks)} checks{more}."
    what = "it matches the reference" if verdict.matches_reference else "it can be handed in"
    size = f" with {verdict.parameters:,} parameters" if verdict.parameters is not None else ""
    flags = [check.name for check in verdict.checks if check.outcome is Outcome.FLAGGED and check.brief]
    remark = f" The board will show these findings: {wording.listed(flags)}." if flags else ""
    return f"{name} passed: {what}{size}.{remark}"
