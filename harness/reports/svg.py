"""The pictures of a board as files of their own, for slides and forges. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from harness.records.board import Board
from harness.reports import page
from harness.reports.axis import axis_of, bar
from harness.reports.curves import class_chart
from harness.reports.digits import picture
from harness.reports.matrix import confusion_cells, models_of
from harness.reports.neutral import neutral
from harness.reports.scatter import scatter

_MOST_BARS = 200
NAMES = ("accuracy.svg", "parameters.svg", "curves.svg", "confusion.svg", "hardest.svg")
"""Every possible picture."""


@dataclass(frozen=True)
class Box:
    """The visible area of a picture."""

    left: int
    top: int
    width: int
    height: int


def pictures(board: Board) -> dict[str, str]:
    """Each picture that has something to show, by the name of its file."""
    board = neutral(board)
    drawn = (*_accuracies(board), *_parameters(board), *_curves(board), *_confusion(board), *_hardest(board))
    return dict(drawn)


Drawn = Iterator[tuple[str, str]]


def _accuracies(board: Board) -> Drawn:
    axis = axis_of(board)
    bars = [(i, drawn) for i, row in enumerate(board.rows) if axis and (drawn := bar(axis, row))][:_MOST_BARS]
    if axis and bars:
        marks = [drawn.mean for i, drawn in bars if board.rows[i].is_reference and not drawn.is_off]
        body = _macros().accuracies(board, axis, bars, marks)
        yield (
            "accuracy.svg",
            svg_file(f"{board.title}: accuracy with 95 % interval", Box(0, -8, 790, 40 + 22 * len(bars)), body),
        )


def _parameters(board: Board) -> Drawn:
    if shown := scatter(board):
        body = _macros().scatter(board, shown)
        yield "parameters.svg", svg_file(f"{board.title}: accuracy vs. parameters", Box(-64, -22, 856, 414), body)


def _curves(board: Board) -> Drawn:
    if chart := class_chart(board):
        body = _macros().curves(chart, board)
        yield "curves.svg", svg_file(f"{board.title}: learning curves", Box(-14, -18, 854, 344), body)


def _confusion(board: Board) -> Drawn:
    if board.confusion:
        cells = confusion_cells(board.confusion, models_of(board.confusion))
        yield (
            "confusion.svg",
            svg_file(f"{board.title}: confusion matrix", Box(-44, -46, 396, 398), _macros().confusion(cells)),
        )


def _hardest(board: Board) -> Drawn:
    if board.hardest:
        images = {digit.index: picture(board.images, digit.index) for digit in board.hardest}
        lines = -(-len(board.hardest) // 8)
        body = _macros().digits(board.hardest, images)
        yield "hardest.svg", svg_file(f"{board.title}: the hardest digits", Box(-16, -16, 752, 96 * lines + 20), body)


def _macros() -> Any:
    return page.environment().get_template("pictures.html").module


def svg_file(title: str, box: Box, body: Markup, *styles: str) -> str:
    """A self-contained picture, with its own style and that of further style sheets."""
    style = Markup(page.file("colors.css", "pictures.css", *styles))
    return page.environment().get_template("picture.svg").render(title=title, box=box, body=body, style=style)
