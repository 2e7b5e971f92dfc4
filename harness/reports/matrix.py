"""Two colored tables: which digits were confused, and which differences are clear. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.board import Board, Confusion

SIZE = 34
TEST_IMAGES = 10_000
_LEVELS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)


@dataclass(frozen=True)
class Cell:
    """The text of a cell, and the name of its shade."""

    text: str
    shade: str
    x: int = 0
    y: int = 0
    tooltip: str = ""


def confusion_cells(matrix: Confusion, models: int) -> list[Cell]:
    """A cell for each class and answer: images of one model, on average; the more mistakes, the darker."""
    cells = []
    for label, line in enumerate(matrix):
        total = sum(line) or 1
        for answer, count in enumerate(line):
            mean = count / max(models, 1)
            shade = "right" if label == answer else f"wrong{sum(count / total >= level for level in _LEVELS)}"
            tooltip = (
                f"{label} read as {answer}: {mean:,.1f} images" if label != answer else f"{label}: {mean:,.1f} correct"
            )
            cells.append(Cell(_mean(mean), shade, answer * SIZE, label * SIZE, tooltip))
    return cells


def _mean(value: float) -> str:
    if value < 0.05:
        return ""
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def models_of(matrix: Confusion, images: int = TEST_IMAGES) -> int:
    """How many models a matrix is the sum of."""
    return round(sum(map(sum, matrix)) / images)


@dataclass(frozen=True)
class PairTable:
    """The rows that were compared, by position, and a line of cells for each of them."""

    positions: tuple[int, ...]
    lines: tuple[tuple[Cell, ...], ...]


def pair_table(board: Board) -> PairTable | None:
    """Every ranked submission against every other, in errors of 10,000; None where there are no pairs to show."""
    positions = tuple(dict.fromkeys(position for pair in board.pairs for position in (pair.first, pair.second)))
    if not positions:
        return None
    cells = {(position, position): Cell("", "self") for position in positions}
    for pair in board.pairs:
        fewer = pair.difference.value * 10_000
        cells[pair.first, pair.second] = _pair_cell(fewer, pair.is_clear)
        cells[pair.second, pair.first] = _pair_cell(-fewer, pair.is_clear)
    return PairTable(positions, tuple(_line(cells, one, positions) for one in positions))


def _line(cells: dict[tuple[int, int], Cell], one: int, positions: Sequence[int]) -> tuple[Cell, ...]:
    return tuple(cells[one, other] for other in positions)


def _pair_cell(fewer: float, is_clear: bool) -> Cell:
    text = f"{round(fewer):+d}".replace("-", "−") if round(fewer) else "0"
    if not is_clear:
        return Cell(text, "unclear")
    return Cell(text, "better" if fewer > 0 else "worse")
