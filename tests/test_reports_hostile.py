"""No text of a student gets raw into a report: each rendering is tried with text that means harm."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console, RenderableType

from harness.records.board import Board, Difference, Digit, Pair, Points, PointsPart, Row, SeedRun, Status
from harness.records.check import Check, Outcome
from harness.records.claim import Claim
from harness.records.framework import Framework
from harness.records.layer import Layer
from harness.records.run import Curve, RunStatus
from harness.records.verdict import Verdict
from harness.reports.html import board_html
from harness.reports.machine import board_json
from harness.reports.markdown import board_markdown
from harness.reports.neutral import clean, markdown, spreadsheet
from harness.reports.spreadsheet import board_csv, runs_csv
from harness.reports.student import student_pages
from harness.reports.svg import pictures
from harness.reports.terminal import board_table, verdict_view

CURVE = Curve((0.5, 0.4), (0.5, 0.4), (0.9, 0.98))


def one(text: str) -> Board:
    """A board with this text in every place that a student can write to."""
    check = Check(text, Outcome.FAILED, text, text, text, brief=text)
    layer = Layer(text, (1,), (1,), text, formula=text)
    rows = tuple(
        Row(
            text,
            Framework.TORCH,
            status,
            text,
            place_low=1,
            place_high=2,
            accuracy=0.98,
            parameters=1,
            same_as=(text,),
            entry=text,
            input_form=text,
            fingerprint=text,
            layers=(layer,),
            checks=(check,),
            runs=(
                SeedRun(0, RunStatus.DIVERGED, 0.98, text, curve=CURVE),
                SeedRun(1, RunStatus.DONE, 0.98, curve=CURVE),
            ),
            confusion=((9,) * 10,) * 10,
            surprises=(Digit(3, 1, 2, 0.9),),
            claims=(Claim(text, 1, 2, text, text),),
            points=Points(1, 2, (PointsPart(text, 1, 2, text),)),
        )
        for status in (Status.RANKED, Status.FAILED)
    )
    return Board(
        "title",
        "data",
        "budget",
        "hash",
        "LeNet-5",
        61_706,
        rows,
        environment={text: text},
        notes=(text,),
        command=text,
        pairs=(Pair(0, 1, Difference(0.01, 0.0, 0.02), True),),
        confusion=((9,) * 10,) * 10,
        hardest=(Digit(3, 1, 2, 0.0),),
        images={3: bytes(784)},
        points_rule=text,
        points_parts=("claims",),
    )


def shown(renderable: RenderableType, width: int = 120, color: bool = False) -> str:
    """What a terminal of this width gets."""
    file = io.StringIO()
    system: Any = "standard" if color else None
    console = Console(
        file=file, width=width, color_system=system, force_terminal=color, highlight=False, _environ={"TERM": "xterm"}
    )
    console.print(renderable)
    return file.getvalue()


RENDERINGS: dict[str, Callable[[Board], str]] = {
    "markdown": board_markdown,
    "csv": board_csv,
    "csv of runs": runs_csv,
    "json": board_json,
    "html": board_html,
    "student pages": lambda board: "".join(student_pages(board).values()),
    "pictures": lambda board: "".join(pictures(board).values()),
    "terminal": lambda board: shown(board_table(board), 190),
    "narrow terminal": lambda board: shown(board_table(board), 80),
}
PIECES = (
    "<b>",
    "</style>",
    "-->",
    "]]>",
    "|",
    "`",
    "**",
    "_",
    "[x](y)",
    "![",
    "<http://x>",
    "\\",
    "&lt;",
    "~~",
    "{{ 7 }}",
)
PIECES += (
    "\x1b[2J",
    "\x1b]8;;http://x\x07",
    "\x9b",
    "\u202e",
    "\u200f",
    "\n\n# x",
    "\r",
    "\t",
    '"',
    "'",
    "=",
    "@",
    ",",
    ";",
)
characters = (
    st.characters() | st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Mn"]) | st.characters(max_codepoint=127)
)
hostile = st.lists(st.text(characters, max_size=20) | st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
hostile = hostile.filter(bool)
few = settings(max_examples=25, deadline=None)
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def unseen(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character) in UNSEEN} - {"\n"}


@few
@given(hostile)
def test_cleaning_leaves_one_short_visible_line(text: str) -> None:
    cleaned = clean(text, 60)
    assert not unseen(cleaned) and "\n" not in cleaned and 0 < len(cleaned) <= 60
    assert clean(cleaned, 60) == cleaned


@pytest.mark.parametrize("name", RENDERINGS)
@few
@given(text=hostile)
def test_no_rendering_has_unseen_characters(name: str, text: str) -> None:
    rendered = RENDERINGS[name](one(text))
    assert not unseen(rendered)
    assert rendered.encode()


@few
@given(hostile)
def test_the_terminal_gets_only_our_own_colors(text: str) -> None:
    board = one(text)
    check = board.rows[0].checks[0]
    for renderable in (
        board_table(board),
        verdict_view(
            Verdict(
                text, Framework.TORCH, (check,), entry=text, layers=board.rows[0].layers, claims=board.rows[0].claims
            )
        ),
    ):
        assert not unseen(re.sub(r"\x1b\[[\d;]*m", "", shown(renderable, color=True)))


@few
@given(hostile)
def test_csv_reads_back_and_holds_no_formula(text: str) -> None:
    lines = list(csv.reader(io.StringIO(board_csv(one(text)), newline="")))
    name = spreadsheet(clean(text, 60))
    assert {len(line) for line in lines} == {26}
    assert [line[2] for line in lines[1:]] == [line[19] for line in lines[1:]] == [name, name]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for line in lines for cell in line)


@few
@given(hostile)
def test_csv_of_runs_reads_back_and_holds_no_formula(text: str) -> None:
    lines = list(csv.DictReader(io.StringIO(runs_csv(one(text)), newline="")))
    assert [line["submission"] for line in lines] == [spreadsheet(clean(text, 60))] * 4
    assert [line["reason"] for line in lines] == [spreadsheet(clean(text)), ""] * 2
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for line in lines for cell in line.values())


@few
@given(hostile)
@example("__0__")
@example("1. one")
@example("- one")
def test_markdown_shows_the_very_text_and_keeps_its_shape(text: str) -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens, plain = (parser.parse(board_markdown(one(t))) for t in (text, "plain"))
    assert [token.type for token in tokens] == [token.type for token in plain]
    inside = [child.type for token in tokens for child in token.children or ()]
    assert set(inside) <= {"text", "strong_open", "strong_close", "image"}
    contents = ["".join(child.content for child in token.children or ()) for token in tokens]
    assert clean(text, 60) in contents and clean(text) in contents
    shown_as = parser.parseInline(markdown(clean(text)))[0].children or []
    assert "".join(child.content for child in shown_as) == clean(text)


class Structure(HTMLParser):
    """The tags of a page with the names of their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.text = ""
        self.attributes: dict[str, str | None] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _ in attrs)))
        self.attributes |= dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}",))

    def handle_data(self, data: str) -> None:
        self.text += data


@few
@given(hostile)
def test_html_shows_the_very_text_and_keeps_its_tags(text: str) -> None:
    page, plain = Structure(board_html(one(text))), Structure(board_html(one("plain")))
    assert page.tags == plain.tags
    assert clean(text, 60) in page.text and clean(text) in page.text


@few
@given(hostile)
def test_a_students_page_shows_the_very_text_and_keeps_its_tags(text: str) -> None:
    page, plain = (Structure(next(iter(student_pages(one(t)).values()))) for t in (text, "plain"))
    assert page.tags == plain.tags
    assert clean(text, 60) in page.text and clean(text) in page.text


@few
@given(hostile)
def test_pictures_keep_their_elements(text: str) -> None:
    for name, drawn in pictures(one(text)).items():
        found, plain = (ElementTree.fromstring(source) for source in (drawn, pictures(one("plain"))[name]))
        assert [node.tag for node in found.iter()] == [node.tag for node in plain.iter()]


def test_spreadsheet_cells_that_start_as_formula_get_a_quote() -> None:
    assert [spreadsheet(text) for text in ("=1", "+1", "-1", "@x", "\tx", "a=1", "")] == [
        *("'=1", "'+1", "'-1", "'@x", "'\tx", "a=1", ""),
    ]


def test_color_codes_go_and_hidden_characters_show() -> None:
    assert clean("ansi \x1b[31mred\x1b[0m\x1b]0;title\x07 x") == "ansi red x"
    assert clean("ada\u200b") != clean("ada")
    assert clean("\x1b[31m") == "\ufffd" and clean("") == ""
