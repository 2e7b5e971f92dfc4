"""Reports against golden files, and against hostile text.

After a wanted change of a report: UPDATE_GOLDEN=1 pytest tests/test_reports.py, then read the difference of
tests/golden/ before it is committed.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import itertools
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas
import pytest
from example_board import (
    DIGITS,
    FLAGGED,
    HOSTILE,
    PASSED,
    UNPADDED,
    UNSUPPORTED,
    board,
    compare,
    ranked,
    rows,
    shown,
    verdict,
)
from hypothesis import given
from hypothesis import strategies as st

from harness.handins.filenames import file_names
from harness.records.board import Board, Difference, Pair, Row, SeedRun, Status, Versus
from harness.records.errors import HarnessError
from harness.records.framework import Framework
from harness.records.layer import Layer
from harness.records.run import Curve, RunStatus
from harness.records.verdict import Verdict
from harness.reports import layer_wording, wording
from harness.reports.axis import axis_of, bar
from harness.reports.curves import Chart, class_chart, loss_chart, seed_chart
from harness.reports.html import board_html
from harness.reports.machine import board_json, verdict_json
from harness.reports.markdown import board_markdown
from harness.reports.matrix import confusion_cells, models_of, pair_table
from harness.reports.neutral import spreadsheet
from harness.reports.scatter import front, scatter
from harness.reports.spreadsheet import board_csv, runs_csv, table
from harness.reports.student import student_curves, student_pages
from harness.reports.svg import pictures
from harness.reports.terminal import board_table, make_console, verdict_view
from harness.reports.writing import FILES, render_all, write_reports

PICTURES = ("accuracy.svg", "parameters.svg", "curves.svg", "confusion.svg", "hardest.svg")
RENDERINGS: dict[str, Callable[[Board], str]] = {
    "leaderboard.md": board_markdown,
    "leaderboard.csv": board_csv,
    "runs.csv": runs_csv,
    "leaderboard.json": board_json,
    "leaderboard.html": board_html,
    "student.html": lambda b: student_pages(b)["ada_torch_class.html"],
    "student.svg": lambda b: student_curves(b)["ada_torch_class.svg"],
    "student_failed.html": lambda b: student_pages(b)["jon_unpadded.html"],
    **{name: lambda b, name=name: pictures(b)[name] for name in PICTURES},
    "board_190.txt": lambda b: shown(board_table(b), 190),
    "board_80.txt": lambda b: shown(board_table(b), 80),
}
VERDICTS = {
    "verdict_passed.txt": lambda: shown(verdict_view(verdict()), 80),
    "verdict_failed.txt": lambda: shown(verdict_view(verdict(UNPADDED, "jon_unpadded", matches_reference=False)), 80),
    "verdict_errored.txt": lambda: shown(verdict_view(verdict(UNSUPPORTED, HOSTILE[5], layers=())), 120),
    "verdict_flagged.txt": lambda: shown(verdict_view(verdict((*PASSED, FLAGGED), "dora_fixed_seed")), 80),
    "verdict.json": lambda: json.dumps(verdict_json(verdict(UNPADDED, HOSTILE[4])), indent=2) + "\n",
}


@pytest.mark.parametrize("name", RENDERINGS)
def test_board_matches_golden_file(name: str) -> None:
    compare(name, RENDERINGS[name](board()))


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict_matches_golden_file(name: str) -> None:
    compare(name, VERDICTS[name]())


def test_reports_are_equal_for_an_equal_board() -> None:
    assert render_all(board()) == render_all(board())


def test_an_empty_board_renders_everywhere() -> None:
    empty = Board("nobody yet", "MNIST", "quick", "0", "LeNet-5", 0, ())
    files = render_all(empty)
    assert set(files) == set(FILES)
    assert all(
        "nobody yet" in files[name] for name in files if name.startswith("leaderboard") and not name.endswith(".csv")
    )
    assert board_csv(empty).startswith("place_low,place_high,submission,framework,status,reason,matches_reference,")


def test_every_student_has_a_page_and_no_reference_has_one() -> None:
    pages = student_pages(board())
    assert len(pages) == sum(not row.is_reference for row in rows())
    assert {"ada_torch_class.html", "lars_never_ends.html"} < set(pages)


def test_a_students_page_names_nobody_else() -> None:
    names = [row.submission for row in rows() if len(row.submission) < 30 and not row.is_reference]
    for own, page in zip([row for row in rows() if not row.is_reference], student_pages(board()).values(), strict=True):
        assert [name for name in names if name in page] in ([], [own.submission])


def test_page_names_suit_every_file_system() -> None:
    found = file_names(
        [
            "ada",
            "Ben",
            "ben",
            "../../etc",
            "CON",
            "a b",
            "名前",
            "x" * 300,
            "-rf",
            ".hidden",
            "a.html",
            "Zo-c6a12698582f",
            "Zoë",
        ]
    )
    assert found[0] == "ada"
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", name) for name in found)
    assert len({name.casefold() for name in found}) == len(found)
    assert not any(name.casefold() == "con" for name in found)


@pytest.mark.parametrize("name", ["leaderboard.html", "student.html"])
def test_html_asks_for_nothing_and_runs_only_its_own(name: str) -> None:
    source = RENDERINGS[name](board())
    assert not re.search(r"<(link|iframe|object|base)\b", source)
    assert not re.search(r"<[^>]*\s(style|on\w+)=", source)
    assert all(address.startswith("data:image/png;base64,") for address in re.findall(r"\ssrc=\"([^\"]*)", source))
    assert all(re.fullmatch(r"#row-\d+", address) for address in re.findall(r"\shref=\"([^\"]*)", source))
    assert "url(" not in source and "@import" not in source
    for tag in ("style", "script"):
        named = re.findall(rf"{tag}-src &#39;sha256-([^&]+)&#39;", source)
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", source, re.DOTALL)
        assert named == [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_whole_files(name: str) -> None:
    root = ElementTree.fromstring(pictures(board())[name])
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and root.find("{*}title") is not None
    addresses = [value for node in root.iter() for key, value in node.items() if key.endswith("href")]
    assert all(address.startswith("data:image/png;base64,") for address in addresses)


def test_fifty_submissions_fit_in_half_a_megabyte() -> None:
    ranked_rows = [row for row in rows() if row.place_low is not None]
    many = tuple(replace(ranked_rows[i % 9], submission=f"{ranked_rows[i % 9].submission[:20]}_{i}") for i in range(50))
    every = tuple(Pair(i, j, Difference(0.0012, -0.003, 0.004), True) for i, j in itertools.combinations(range(50), 2))
    page = board_html(replace(board(), rows=many, pairs=every, hardest=DIGITS[:2] * 12))
    assert len(page.encode()) < 500_000


def test_json_has_no_nan_and_every_field() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document = json.loads(board_json(board()), parse_constant=refuse)
    row = next(row for row in document["rows"] if row["submission"] == "Zoë Ångström")
    assert row["accuracy_low"] is None and row["runs"][0]["train_loss"] == [None]
    assert set(document["rows"][0]) >= set(Row.__dataclass_fields__) - {"pseudonym", "engine"}
    assert set(document) >= set(Board.__dataclass_fields__) - {"images", "points_parts"}
    assert set(verdict_json(verdict())) == {"status", *Verdict.__dataclass_fields__} - {"weight_digests", "uncovered"}


def test_a_difference_that_is_clear_alone_may_be_too_little_among_many() -> None:
    row = ranked(
        "ada", (1, 2), 0.98, versus_reference=Versus.UNCLEAR, reference_difference=Difference(-0.0013, -0.0026, -0.0001)
    )
    told = "+13 errors in 10,000 (+1 to +26)"
    assert wording.reference_difference(row) == f"{told}; with this many comparisons, one like it may occur by chance"
    assert wording.reference_difference(replace(row, versus_reference=Versus.WORSE)) == told
    assert wording.reference_difference(replace(row, reference_difference=None)) == ""


def test_words_of_values() -> None:
    assert wording.accuracy(0.98712) == "98.71 %" and wording.accuracy(math.nan) == "–"
    assert wording.interval(0.985, 0.989) == "98.5–98.9 %" and wording.interval(0.98701, 0.98749) == "98.70–98.75 %"
    assert wording.parameters(44_426, 61_706) == "44,426 (0.72x)"
    assert wording.count(416_520) == "416,520" and wording.errors(128.7) == "129"
    assert wording.seconds(41.7) == "42 s" and wording.seconds(4.21) == "4.2 s" and wording.seconds(0) == "–"
    assert wording.listed(["a"]) == "a" and wording.listed(["a", "b", "c"]) == "a, b and c"
    assert wording.listed("abcdefg") == "a, b, c, d and 3 more"
    frozen = Layer("dense", (4,), (2,), frozen=10, formula="10 = (4 + 1) * 2")
    assert (layer_wording.layer_parameters(frozen), layer_wording.layer_count(frozen)) == (
        "10 frozen",
        "10 = (4 + 1) * 2",
    )


@pytest.mark.parametrize("width", [80, 87, 100, 120, 150, 179, 180, 190, 220])
def test_no_text_is_cropped_in_a_terminal(width: int) -> None:
    row = ranked("☃" * 50, (1, 1), 0.98, status=Status.FAILED, reason="☂" * 80, parameters=123_456_789)
    text = shown(board_table(replace(board(), rows=(row, *rows()))), width).split("What went wrong")[0]
    assert text.count("☃") == 50 and text.count("☂") == 80 and "123,456,789" in text
    assert max(len(line) for line in text.splitlines()) <= width


def test_terminal_grays_references_and_colors_status() -> None:
    text = shown(board_table(board()), 190, color=True)
    lines = {
        name: next(line for line in text.splitlines() if name in line) for name in ("lenet5_torch", "hana", "farid")
    }
    assert "\x1b[2m" in lines["lenet5_torch"] and "\x1b[35m" in lines["hana"] and "\x1b[33m" in lines["farid"]


def test_piped_console_is_wide_and_survives_a_narrow_encoding() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = make_console(stream)
    console.print(board_table(board()))
    assert console.width >= 120 and not console.is_terminal


def test_axis_leaves_a_broken_training_out() -> None:
    axis = axis_of(board())
    assert axis and axis.low > 0.97 and axis.high < 1 and len(axis.ticks) in range(2, 7)
    broken = next(row for row in rows() if row.accuracy == 0.1135)
    drawn, best = bar(axis, broken), bar(axis, rows()[0])
    assert drawn and drawn.is_off and drawn.mean == "0.00%"
    assert best and float(best.low[:-1]) < float(best.mean[:-1]) < float(best.high[:-1]) < 100
    assert axis_of(replace(board(), rows=())) is None and bar(axis, rows()[-1]) is None


def test_chart_joins_finite_epochs() -> None:
    def drawn(*accuracies: float) -> Chart | None:
        run = SeedRun(0, RunStatus.DONE, 0.9, curve=Curve(validation_accuracy=accuracies))
        return seed_chart(Row("ada", Framework.TORCH, Status.RANKED, runs=(run,)))

    found = drawn(0.95, math.nan, 0.99)
    assert found and [line.points for line in found.lines] == ["0,90.0 260,0.0"] and found.epochs == 3
    assert drawn(0.5) is None


def test_a_model_has_curves_of_accuracy_and_loss_on_both_kinds_of_images() -> None:
    row = rows()[0]
    accuracy, loss = seed_chart(row, training=True), loss_chart(row)
    assert accuracy and loss and loss.is_loss and not accuracy.is_loss
    assert (
        [line.is_training for line in accuracy.lines]
        == [line.is_training for line in loss.lines]
        == [True] * 3 + [False] * 3
    )
    assert (loss.high, loss.low) == (0.4, 0.05)
    assert wording.height_of_curve(loss, 0.05) == "0.05" and wording.height_of_curve(accuracy, 0.98) == "98.00 %"
    older = SeedRun(0, RunStatus.DONE, 0.9, curve=Curve((0.4, 0.1), (0.12, 0.08), (0.9, 0.95)))
    chart = seed_chart(replace(row, runs=(older,)), training=True)
    assert chart and not chart.has_training and "training images" not in chart.description


def test_without_held_out_images_no_curve_is_said_to_be_of_them() -> None:
    trained = SeedRun(0, RunStatus.DONE, 0.9, curve=Curve((0.4, 0.1), (), (), (0.8, 0.9)))
    row = replace(rows()[0], runs=(trained,))
    for chart in (seed_chart(row, replace(row, is_reference=True), training=True), loss_chart(row)):
        assert chart and not chart.has_held_out and not chart.has_reference
        assert "no images were held out" in chart.description
        assert chart.title.endswith(" on training images") and "dotted" not in chart.title


def test_every_submission_with_two_epochs_has_a_file_of_curves() -> None:
    files = student_curves(board())
    assert "ada_torch_class.svg" in files and "lenet5_torch.svg" not in files and "lars_never_ends.svg" not in files
    for text in files.values():
        root = ElementTree.fromstring(text)
        assert len(root.findall("{*}g")) == 2 and not root.findall(".//{*}image")


def test_a_bad_start_leaves_the_picture_of_the_class() -> None:
    found = class_chart(board())
    assert found and found.low >= found.high - 0.06
    heights = [float(point.split(",")[1]) for line in found.lines for point in line.points.split()]
    assert min(heights) == 0 and max(heights) <= found.height


def test_nobody_on_the_front_is_beaten() -> None:
    chosen = front([row for row in rows() if row.accuracy])
    assert [row.submission for row in chosen] == ["ada_torch_class", "gwen_bigger"]


def test_dots_do_not_lie_on_each_other() -> None:
    one = ranked("twin", (1, 1), 0.98)
    found = scatter(replace(board(), rows=tuple(replace(one, submission=f"twin_{i}") for i in range(20))))
    assert found and len({(dot.x, dot.y) for dot in found.dots}) == 20


def test_confusion_is_told_for_one_model() -> None:
    cells = confusion_cells(((29, 1), (0, 30)), 3)
    assert [cell.text for cell in cells] == ["9.7", "0.3", "", "10"]
    assert [cell.shade for cell in cells] == ["right", "wrong6", "wrong0", "right"]
    assert models_of(((29, 1), (0, 30)), 20) == 3 and models_of(()) == 0


def test_pairs_stand_both_ways() -> None:
    table = pair_table(board())
    assert table and len(table.lines) == 9
    first, other = table.lines[0][8], table.lines[8][0]
    assert (first.text, first.shade, other.text, other.shade) == ("+8765", "better", "−8765", "worse")
    assert {line[i].shade for i, line in enumerate(table.lines)} == {"self"}


def test_write_reports_replaces_all_files(tmp_path: Path) -> None:
    target = tmp_path / "new" / "reports"
    paths = write_reports(board(), target)
    assert sorted(paths) == sorted(path for path in target.rglob("*") if path.is_file())
    assert {str(path.relative_to(target)): path.read_bytes().decode() for path in paths} == render_all(board())
    assert write_reports(board(), target) == paths


@pytest.mark.parametrize("method", ["open", "replace"])
def test_full_disk_is_told_and_leaves_the_old_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    (tmp_path / "leaderboard.md").write_text("old")

    real = getattr(Path, method)

    def full(path: Path, *arguments: Any, **more: Any) -> Any:
        if path.suffix == ".draft":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *arguments, **more)

    with monkeypatch.context() as patched, pytest.raises(HarnessError) as caught:
        patched.setattr(Path, method, full)
        write_reports(board(), tmp_path)
    assert caught.value.found == "No space left on device" and "harness report" in caught.value.try_
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["leaderboard.md"]
    assert (tmp_path / "leaderboard.md").read_text() == "old"


def test_a_file_in_place_of_the_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")
    with pytest.raises(HarnessError, match="harness report"):
        write_reports(board(), tmp_path / "reports")


def test_what_an_earlier_board_drew_does_not_stay(tmp_path: Path) -> None:
    write_reports(board(), tmp_path)
    mine = tmp_path / "pictures" / "mine.svg"
    mine.write_text("mine")
    fewer = replace(board(), rows=rows()[1:], pairs=(), hardest=())
    write_reports(fewer, tmp_path)
    assert not (tmp_path / "students" / "gwen_bigger.html").exists()
    assert not (tmp_path / "pictures" / "hardest.svg").exists() and mine.exists()


@pytest.mark.parametrize("name", ["students", "pictures"])
def test_nothing_is_written_or_removed_behind_a_link(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "ada.html").write_text("private")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / name).symlink_to(elsewhere)
    with pytest.raises(HarnessError, match="is a link"):
        write_reports(board(), tmp_path / "reports")
    assert [path.name for path in elsewhere.iterdir()] == ["ada.html"]


def test_a_folder_in_place_of_a_file_is_told_before_anything_changes(tmp_path: Path) -> None:
    (tmp_path / "leaderboard.html").mkdir()
    with pytest.raises(HarnessError, match="is a folder"):
        write_reports(board(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["leaderboard.html"]


CELLS = st.none() | st.text(max_size=8) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
CELLS |= st.sampled_from([",", '"', "a\nb", "\r", "=1+1", "1e3"])
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(st.text(max_size=4), min_size=width, max_size=width, unique=True),
        st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=5),
    )
)


@given(TABLES)
def test_a_csv_is_what_pandas_writes(found: tuple[list[str], list[list[Any]]]) -> None:
    columns, lines = found
    safe = [[spreadsheet(cell) if isinstance(cell, str) else cell for cell in line] for line in lines]
    frame = pandas.DataFrame(safe, columns=columns, dtype=object)
    assert table(columns, lines) == frame.to_csv(index=False, lineterminator="\n")
