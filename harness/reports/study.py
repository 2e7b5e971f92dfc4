"""A study's questions and answers: Markdown, CSV, JSON, HTML, a picture for each question, terminal tables. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness import __version__
from harness.records.board import Row, Status, Versus
from harness.reports import page, wording
from harness.reports.axis import Axis, Bar, axis_of_rows, bar
from harness.reports.machine import SCHEMA_VERSION, in_lines, number
from harness.reports.markdown import measured_with, table, warning
from harness.reports.neutral import markdown, neutral
from harness.reports.spreadsheet import records_csv
from harness.reports.svg import Box, svg_file
from harness.reports.wording import Column
from harness.scoring.answers import Answer, Answered, StudyBoard

REACH = 0.02
"""A model further than this below the base is off the axis, so that a failed one does not flatten the others."""
_LINE = 22


def columns(question: Answered, board: StudyBoard) -> tuple[Column[Answer], ...]:
    """The columns of one question's answers."""
    return (
        Column("value", question.field, "", lambda answer: shown_label(answer, board)),
        Column("accuracy", "accuracy", "", _of_row(lambda row: wording.accuracy(row.accuracy)), True),
        Column("interval", "95 % interval", "", _of_row(_interval), True),
        Column("versus", f"vs. {board.base}", "", _of_row(wording.versus)),
        Column("parameters", "parameters", "", _of_row(lambda row: wording.count(row.parameters)), True),
        Column("macs", "MACs", "", _of_row(lambda row: wording.count(row.macs)), True),
        Column("seeds", "seeds", "", _of_row(wording.seeds), True),
        Column("loss", "loss", "", lambda answer: wording.loss(answer.loss), True),
        Column("status", "status", "", lambda answer: answer.trouble or "measured"),
    )


def _of_row(text: Callable[[Row], str]) -> Callable[[Answer], str]:
    return lambda answer: text(answer.row) if answer.row else wording.NOTHING


def _interval(row: Row) -> str:
    return wording.interval(row.accuracy_low, row.accuracy_high)


def shown_label(answer: Answer, board: StudyBoard) -> str:
    """The value, marked if it is the base's."""
    return f"{answer.label} ({board.base})" if answer.is_base else answer.label


def sentences(question: Answered, board: StudyBoard) -> list[str]:
    """The answers to a question: a sentence for each value except the base's."""
    return [_sentence(answer, board) for answer in question.answers if not answer.is_base]


def _sentence(answer: Answer, board: StudyBoard) -> str:
    if answer.trouble or answer.row is None:
        return f"{answer.label}: {answer.trouble}."
    if answer.row.versus_reference is None:
        return f"{answer.label}: not compared."
    compared = f"no clear difference from {board.base}"
    if answer.row.versus_reference is not Versus.UNCLEAR:
        compared = f"{answer.row.versus_reference} than {board.base}"
    return f"{answer.label}: {compared}, {wording.reference_difference(answer.row)}."


@dataclass(frozen=True)
class Picture:
    """The bars of one question, one per line: label, bar, and size in words."""

    lines: tuple[tuple[str, Bar | None, str], ...]
    marks: tuple[str, ...]


def picture(question: Answered, board: StudyBoard, axis: Axis) -> Picture:
    """The geometry of one question, on the shared axis."""
    lines = tuple((shown_label(a, board), bar(axis, a.row) if a.row else None, _size(a)) for a in question.answers)
    base = _base_row(board)
    drawn = bar(axis, base) if base else None
    return Picture(lines, (drawn.mean,) if drawn and not drawn.is_off else ())


def _base_row(board: StudyBoard) -> Row | None:
    """The base's row; None where it is not measured yet, or no question has it among its answers."""
    answers = (answer for question in board.questions for answer in question.answers)
    return next((answer.row for answer in answers if answer.is_base and answer.row), None)


def _size(answer: Answer) -> str:
    if answer.trouble or answer.row is None:
        return answer.trouble
    return f"{wording.count(answer.row.parameters)} parameters, {wording.count(answer.row.macs)} MACs"


def axis_of_study(board: StudyBoard) -> Axis | None:
    """One axis for all pictures; None where nothing is measured yet."""
    rows = [answer.row for question in board.questions for answer in question.answers if answer.row]
    known = [row.accuracy for row in rows if row.accuracy is not None]
    base = _base_row(board)
    above = max(known) - base.accuracy if base and base.accuracy is not None else 0
    return axis_of_rows(rows, REACH + above)


def render_study(board: StudyBoard) -> dict[str, str]:
    """Every file by its path below the folder of reports."""
    board = neutral(board)
    stem, axis = f"study-{board.name}", axis_of_study(board)
    records = [_plain(question, answer) for question in board.questions for answer in question.answers]
    pictures = _pictures(board, axis) if axis else {}
    return {
        f"{stem}.md": _markdown(board, list(pictures)),
        f"{stem}.csv": records_csv(records),
        f"{stem}.json": _json(board, records),
        f"{stem}.html": _html(board, axis),
        **pictures,
    }


def _pictures(board: StudyBoard, axis: Axis) -> dict[str, str]:
    macros: Any = page.environment().get_template("questions.html").module
    files = {}
    for at, question in enumerate(board.questions, 1):
        box = Box(0, -8, 1010, 40 + _LINE * len(question.answers))
        body = macros.answers(picture(question, board, axis), axis)
        files[f"pictures/study-{board.name}-{at}-{question.field}.svg"] = svg_file(question.ask, box, body)
    return files


def _markdown(board: StudyBoard, pictures: list[str]) -> str:
    blocks = [
        f"# {markdown(board.title)}",
        *warning(board.sandboxed),
        markdown(f"{board.budget} {wording.framework(board.framework)}. (budget hash {board.budget_hash})"),
        markdown(waiting(board)),
    ]
    for at, question in enumerate(board.questions):
        drawn = [f"![{markdown(question.ask)}]({pictures[at]})"] if pictures else []
        bullets = "\n".join(f"- {markdown(text)}" for text in sentences(question, board))
        blocks += [f"## {markdown(question.ask)}", bullets, *drawn, table(columns(question, board), question.answers)]
    blocks += ["## How it was measured", markdown(measured(board)), *measured_with(board.environment, board.command)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def waiting(board: StudyBoard) -> str:
    """What is not done yet; empty where everything is."""
    return f"Not done yet: {', '.join(board.pending)}." if board.pending else ""


def measured(board: StudyBoard) -> str:
    """How the answers were measured."""
    return (
        f"Each model differs from {board.base} in one setting, is built like a submission, and is trained under the "
        f"same budget on {board.dataset}. Accuracy is the mean over seeds on the 10,000 test images; the interval "
        "treats seeds and images as samples. Differences are tested at 5 % over all comparisons with "
        f"{board.base} (Holm's correction)."
    )


def _plain(question: Answered, answer: Answer) -> dict[str, Any]:
    """One answer in plain values: for CSV and JSON."""
    row = answer.row or Row(answer.label, None, Status.ERRORED)
    difference = row.reference_difference
    return {
        "question": question.ask,
        "field": question.field,
        "value": answer.label,
        "is_base": answer.is_base,
        "accuracy": number(row.accuracy),
        "accuracy_low": number(row.accuracy_low),
        "accuracy_high": number(row.accuracy_high),
        "versus_base": row.versus_reference and str(row.versus_reference),
        "difference": number(difference.value) if difference else None,
        "difference_low": number(difference.low) if difference else None,
        "difference_high": number(difference.high) if difference else None,
        "loss": number(answer.loss),
        "parameters": row.parameters,
        "macs": row.macs,
        "seeds_done": row.seeds_done,
        "seconds": number(row.seconds),
        "trouble": answer.trouble,
        "fingerprint": row.fingerprint,
    }


def _json(board: StudyBoard, records: Sequence[dict[str, Any]]) -> str:
    return in_lines(
        {
            "schema_version": SCHEMA_VERSION,
            "harness_version": __version__,
            "title": board.title,
            "base": board.base,
            "framework": str(board.framework),
            "dataset": board.dataset,
            "budget": board.budget,
            "budget_hash": board.budget_hash,
            "pending": list(board.pending),
            "sandboxed": board.sandboxed,
            "command": board.command,
            "environment": dict(board.environment),
            "rows": list(records),
        }
    )


def _html(board: StudyBoard, axis: Axis | None) -> str:
    drawn = [picture(question, board, axis) if axis else None for question in board.questions]
    return page.render(
        "study.html",
        style=page.file("colors.css", "page.css", "pictures.css"),
        board=board,
        axis=axis,
        questions=[
            (question, columns(question, board), sentences(question, board), picture_)
            for question, picture_ in zip(board.questions, drawn, strict=True)
        ],
        waiting=waiting(board),
        measured=measured(board),
    )


def study_view(board: StudyBoard) -> RenderableType:
    """What `harness study` prints."""
    board = neutral(board)
    parts: list[RenderableType] = [Text(board.title, style="bold"), Text(board.budget, style="dim")]
    parts += [] if board.sandboxed else [Text(wording.UNSANDBOXED, style="bold red")]
    for question in board.questions:
        parts += [Text(f"\n{question.ask}", style="bold"), _table(question, board)]
    return Group(*parts, Text(waiting(board)))


def _table(question: Answered, board: StudyBoard) -> Table:
    shown, drawn = columns(question, board), Table()
    for column in shown:
        drawn.add_column(column.title, justify="right" if column.right else "left", overflow="fold")
    for answer in question.answers:
        drawn.add_row(*(Text(column.text(answer)) for column in shown), style="dim" if answer.is_base else None)
    return drawn
