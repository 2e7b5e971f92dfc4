"""A student's own page: every check, the measurements, and the digits to look at; it contains no other name. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

from harness.handins.filenames import file_names
from harness.records.board import Board, Digit, Row
from harness.reports import page, wording
from harness.reports.axis import Axis, axis_of, bar
from harness.reports.curves import loss_chart, seed_chart
from harness.reports.digits import picture
from harness.reports.html import STYLES, references
from harness.reports.made import Part, digest
from harness.reports.matrix import confusion_cells, models_of
from harness.reports.neutral import neutral
from harness.reports.svg import Box, svg_file


@dataclass(frozen=True)
class _Class:
    """What all pages of a board are made from: nothing else of other submissions reaches them.

    `references` are the references' curves, in board order.
    """

    board: Board
    axis: Axis | None
    marks: list[str]
    ranked: int
    references: tuple[Row, ...]


@dataclass(frozen=True)
class _Own:
    """What a page is made from besides: a row without other names, and its difference from the reference in words.

    What the rest of the class determines is here as the page shows it, so that a page stays as it is where the class
    changes something that is not seen on it.
    """

    row: Row
    difference: str


def student_pages(board: Board) -> dict[str, str]:
    """Each submission's page by its file name; references have none."""
    board, names = neutral(board), _names(board)
    group = _class_of(board)
    return {
        f"{name}.html": _page(group, _own_of(row), board.images)
        for name, row in zip(names, _competing(board), strict=True)
    }


def student_curves(board: Board) -> dict[str, str]:
    """Each submission's learning curves, accuracy above loss, by file name; submissions without curves are omitted."""
    drawn = ((name, _curves(row)) for name, row in zip(_names(board), _competing(neutral(board)), strict=True))
    return {f"{name}.svg": text for name, text in drawn if text}


def student_parts(board: Board) -> dict[str, Part]:
    """The page and the curves of each submission, by the name of its files without their suffix."""
    shared, images = digest(_class_of(board)), {index: _digest(pixels) for index, pixels in board.images.items()}
    pages, curves = cache(lambda: _class_of(neutral(board))), cache(lambda: _competing(neutral(board)))

    def render(position: int, name: str) -> Mapping[str, str]:
        row = curves()[position]
        page, picture = _page(pages(), _own_of(row), neutral(board).images), _curves(row)
        return {f"{name}.html": page} | ({f"{name}.svg": picture} if picture else {})

    def facts(row: Row) -> str:
        return digest(shared, _own_of(row), [images[found.index] for found in row.surprises])

    own = zip(_names(board), _competing(board), strict=True)
    return {name: Part(facts(row), partial(render, at, name)) for at, (name, row) in enumerate(own)}


def _names(board: Board) -> list[str]:
    return file_names(row.submission for row in _competing(board))


def _competing(board: Board) -> list[Row]:
    return [row for row in board.rows if not row.is_reference]


def _class_of(board: Board) -> _Class:
    axis = axis_of(board)
    ranked = sum(row.place_low is not None for row in board.rows)
    curves = [
        Row(r.submission, r.framework, r.status, is_reference=True, runs=r.runs) for r in board.rows if r.is_reference
    ]
    return _Class(_without_rows(board), axis, references(board, axis), ranked, tuple(curves))


def _without_rows(board: Board) -> Board:
    """What a board says of the class as a whole, as far as a page repeats it."""
    return replace(
        board, rows=(), smallest_difference=None, pairs=(), confusion=(), hardest=(), images={}, command="",
        environment={}, notes=(),
    )  # fmt: skip


def _own_of(row: Row) -> _Own:
    surprises = tuple(map(_in_percent, row.surprises))
    shown = replace(row, same_as=(), twin_group=None, surprises=surprises, reference_difference=None)
    return _Own(shown, wording.reference_difference(row))


def _in_percent(found: Digit) -> Digit:
    return replace(found, right=float(f"{100 * found.right:.0f}") / 100)


def _digest(pixels: bytes) -> str:
    return hashlib.sha256(pixels).hexdigest()


def _curves(row: Row) -> str:
    charts = [chart for chart in (seed_chart(row, training=True), loss_chart(row)) if chart]
    if not charts:
        return ""
    body = page.environment().get_template("pictures.html").module.own_curves(charts)  # type: ignore[attr-defined]
    return svg_file(f"{row.submission}: learning curves", Box(-14, -32, 360, 140 * len(charts) + 10), body)


def _page(group: _Class, own: _Own, images: Mapping[int, bytes]) -> str:
    """One page. The class appears on it as counts and shares, never by name."""
    row = own.row
    reference = _reference(group, row)
    return page.render(
        "student.html",
        style=page.file(*STYLES),
        board=group.board,
        row=row,
        difference=own.difference,
        ranked=group.ranked,
        axis=group.axis,
        bar=bar(group.axis, row) if group.axis else None,
        references=group.marks,
        curve=seed_chart(row, reference, training=True) if row.runs else None,
        loss=loss_chart(row),
        confusion=confusion_cells(row.confusion, models_of(row.confusion)),
        images={found.index: picture(images, found.index) for found in row.surprises},
        failed=wording.failed_checks(row),
    )


def _reference(group: _Class, row: Row) -> Row | None:
    """The reference of the submission's framework, or any other."""
    own = [other for other in group.references if other.framework is row.framework]
    return next(iter([*own, *group.references]), None)
