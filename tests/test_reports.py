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
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console, RenderableType

from harness.errors import HarnessError
from harness.filenames import file_names
from harness.records import (
    Check,
    Claim,
    Curve,
    Framework,
    Layer,
    Outcome,
    OutputKind,
    RunStatus,
    Shape,
    Verdict,
    Window,
)
from harness.reports import wording
from harness.reports.axis import axis_of, bar
from harness.reports.curves import Chart, class_chart, loss_chart, seed_chart
from harness.reports.html import board_html
from harness.reports.machine import board_json, verdict_json
from harness.reports.markdown import board_markdown
from harness.reports.matrix import confusion_cells, models_of, pair_table
from harness.reports.scatter import front, scatter
from harness.reports.spreadsheet import board_csv, runs_csv
from harness.reports.student import student_curves, student_pages
from harness.reports.svg import pictures
from harness.reports.terminal import board_table, make_console, verdict_view
from harness.reports.writing import FILES, render_all, write_reports
from harness.results import Board, Difference, Digit, Pair, Points, PointsPart, Row, SeedRun, Status, Versus

GOLDEN = Path(__file__).parent / "golden"
PADDED = Window((5, 5), padding=(2, 2, 2, 2))
VALID = Window((5, 5))
HALVE = Window((2, 2), stride=(2, 2))


def lenet5(conv: str = "conv", dense: str = "fc") -> tuple[Layer, ...]:
    """LeNet-5 as a student names it."""
    return (
        filters(f"{conv}1", (1, 28, 28), (6, 28, 28), PADDED, 156, 117_600, "156 = (5*5*1 + 1) * 6"),
        Layer("max_pool", (6, 28, 28), (6, 14, 14), "", HALVE),
        filters(f"{conv}2", (6, 14, 14), (16, 10, 10), VALID, 2_416, 240_000, "2,416 = (5*5*6 + 1) * 16"),
        Layer("max_pool", (16, 10, 10), (16, 5, 5), "", HALVE),
        Layer("flatten", (16, 5, 5), (400,)),
        units(f"{dense}1", 400, 120),
        units(f"{dense}2", 120, 84),
        units(f"{dense}3", 84, 10),
    )


def filters(label: str, before: Shape, after: Shape, window: Window, total: int, macs: int, formula: str) -> Layer:
    return Layer("conv2d", before, after, label, window, True, parameters=total, macs=macs, formula=formula)


def units(label: str, inputs: int, outputs: int) -> Layer:
    total, macs = (inputs + 1) * outputs, inputs * outputs
    formula = f"{total:,} = ({inputs} + 1) * {outputs}"
    return Layer("dense", (inputs,), (outputs,), label, bias=True, parameters=total, macs=macs, formula=formula)


PASSED = (
    Check("input", Outcome.PASSED, found="28x28, channels first"),
    Check("output", Outcome.PASSED, found="10 outputs, logits"),
    Check("layer C1", Outcome.PASSED, found="conv1: convolution, 6 filters of 5x5, padding 2 -> 6x28x28"),
    Check("parameters", Outcome.PASSED, "61,706", "61,706"),
    Check("trainable", Outcome.PASSED, "every parameter to be trained", "so it is"),
)
NOTED = (
    *PASSED[:1],
    Check(
        "output",
        Outcome.PASSED,
        found="10 outputs, probabilities",
        try_="softmax inside the model: the harness trains it with the loss for probabilities; in your own training "
        "do not use from_logits=True with it",
    ),
    *PASSED[2:],
)
UNPADDED = (
    *PASSED[:2],
    Check(
        "layer C1",
        Outcome.FAILED,
        "convolution, 6 filters of 5x5, padding 2 -> 6x28x28, 156 = (5*5*1 + 1) * 6",
        "conv1: convolution, 6 filters of 5x5 -> 6x24x24, 156 = (5*5*1 + 1) * 6",
        "Set padding=2: 5x5 on 28x28 without padding gives 24x24, with padding 2 it stays 28x28.",
    ),
    Check(
        "layer C5",
        Outcome.FAILED,
        "dense, 120 units on 400 inputs -> 120, 48,120 = (400 + 1) * 120",
        "fc1: dense, 120 units on 256 inputs -> 120, 30,840 = (256 + 1) * 120",
        "follows from layer C1: mend that first",
    ),
    Check(
        "parameters",
        Outcome.FAILED,
        "61,706",
        "44,426 (17,280 fewer)",
        "mend the layers above: the total follows from them",
    ),
    Check("run", Outcome.SKIPPED),
)
FLAGGED = Check(
    "same_weights",
    Outcome.FLAGGED,
    "other weights from each seed",
    "seeds 0 and 1 start from the same 150 of 61,706 numbers: conv1\x1b[31m<b>|.weight (6x1x5x5)",
    "remove torch.manual_seed() from the file",
    "150 numbers",
)
PRETRAINED = Check(
    "pretrained",
    Outcome.FAILED,
    "about 10 % of the held-out images right before training, at most 40 %",
    "94.8 % are right before the first step of training (seed 1)",
    "start from random weights",
    "94.8 %",
)
UNSUPPORTED = (
    Check(
        "operators",
        Outcome.ERRORED,
        "operators that the harness knows",
        "aten.fft_rfft2 is not supported yet",
        "this is not your failure: ask your instructor, or use a convolution",
    ),
)
BIDI, ANSI = "\u202e\u2066gnp.exe", "\x1b[31mred\x1b[0m\x1b]0;title\x07"
HOSTILE = (
    '=HYPERLINK("http://evil.example","click")',
    "<script>alert(1)</script>",
    "a|b`c*d*[x](http://evil.example)",
    f"bidi {BIDI}",
    f"ansi {ANSI}\r\n\tline",
    "[bold red]rich[/] :smile: {{ 7*7 }} {% raw %}",
    '"><img src=x onerror=alert(1)>',
    "\udcff\x00\x9b31m",
    "@SUM(1)",
    "x" * 500,
)


def ranked(
    name: str, place: tuple[int, int] | None, mean: float, framework: Framework = Framework.TORCH, **more: Any
) -> Row:
    """A row of the reference architecture with three seeds."""
    fields: dict[str, Any] = {
        "matches_reference": True,
        "parameters": 61_706,
        "macs": 416_520,
        "accuracy": mean,
        "accuracy_low": mean - 0.002,
        "accuracy_high": mean + 0.0017,
        "errors_per_10000": 10_000 * (1 - mean),
        "runs": trained(mean - 0.0011, mean + 0.0003, mean + 0.0008),
        "seeds_asked": 3,
        "status": Status.RANKED,
        "fingerprint": f"{place[0] if place else 0}5c1" * 16,
        "entry": "model.py: Net()",
        "input_form": "28x28, channels first",
        "output_kind": OutputKind.LOGITS,
        "layers": lenet5(),
        "checks": PASSED,
    }
    low, high = place or (None, None)
    return Row(name, framework, place_low=low, place_high=high, **{**fields, **more})


def trained(*accuracies: float, seconds: float = 13.9) -> tuple[SeedRun, ...]:
    """Seeds that were trained to the end, each with a learning curve."""
    curves = [
        Curve((0.4, 0.1, 0.07), (0.12, 0.08, 0.05), (0.962, s, s + 0.006), (0.96, s + 0.002, s + 0.01))
        for s in (0.974, 0.976, 0.98)
    ]
    runs = enumerate(zip(accuracies, curves, strict=False))
    return tuple(SeedRun(i, RunStatus.DONE, value, "", seconds, 2**28, curve) for i, (value, curve) in runs)


def rows() -> tuple[Row, ...]:
    """Ties, twins, grey references, every status, hostile names."""
    keras = Framework.TENSORFLOW
    failed: dict[str, Any] = {"seeds_asked": 3, "entry": "model.py: Net()"}
    return (
        ranked(
            "gwen_bigger",
            (1, 1),
            0.98996,
            versus_reference=Versus.BETTER,
            matches_reference=False,
            parameters=335_114,
            macs=1_482_816,
            runs=trained(0.98896, 0.98996, 0.99096, seconds=401.1),
        ),
        ranked(
            "ada_torch_class",
            (2, 5),
            0.98713,
            versus_reference=Versus.TIED,
            reference_difference=Difference(0.00007, -0.0021, 0.00224),
            same_as=("chloe_torch_sequential",),
            twin_group=0,
            confusion=CONFUSION,
            surprises=DIGITS[2:],
            pseudonym="amber-falcon",
            points=Points(77.5, 100, (PointsPart("imports", 10, 10, "a model was built"), *PARTS)),
            claims=(
                Claim("conv1", 156, 156, "156 = (5*5*1 + 1) * 6"),
                Claim("fc1", 30_840, 48_120, "48,120 = (400 + 1) * 120", "that is the count without padding"),
            ),
        ),
        ranked("chloe_torch_sequential", (2, 5), 0.98713, same_as=("ada_torch_class",), twin_group=0),
        ranked("lenet5_torch", None, 0.98706, is_reference=True),
        ranked("dora_fixed_seed", (2, 6), 0.98689, checks=(*PASSED, FLAGGED)),
        ranked("emi_keras_functional", (2, 6), 0.98673, keras, checks=NOTED, output_kind=OutputKind.PROBABILITIES),
        ranked("lenet5_keras", None, 0.98651, keras, is_reference=True),
        ranked(HOSTILE[0], (4, 7), 0.9852),
        ranked(HOSTILE[1], (5, 7), 0.9851, layers=lenet5(conv=HOSTILE[6])),
        ranked(HOSTILE[2], (5, 7), 0.9814, same_as=("ada_torch_class", *HOSTILE[3:]), twin_group=0),
        ranked(
            "Zoë Ångström",
            (8, 8),
            0.1135,
            versus_reference=Versus.WORSE,
            accuracy_low=math.nan,
            accuracy_high=math.inf,
            runs=(SeedRun(0, RunStatus.DONE, 0.1135, curve=Curve((math.nan,))),),
        ),
        replace(
            ranked("farid_keras_subclass", None, 0.9779, keras, runs=trained(0.9779)),
            status=Status.PROVISIONAL,
            reason="1 of 3 seeds",
        ),
        Row(
            "jon_unpadded",
            Framework.TORCH,
            Status.FAILED,
            "layer C1, layer C5, parameters",
            parameters=44_426,
            macs=280_120,
            layers=lenet5(),
            checks=UNPADDED,
            **failed,
        ),
        Row(
            "kai_pasted",
            keras,
            Status.FAILED,
            f"pretrained: {PRETRAINED.found}",
            parameters=1_970,
            macs=1_960,
            checks=(*PASSED, FLAGGED, PRETRAINED),
            **failed,
        ),
        *(Row(n, keras, Status.FAILED, n, checks=(Check(n, Outcome.FAILED, n, n, n),), **failed) for n in HOSTILE[3:]),
        Row("hana_fourier", Framework.TORCH, Status.ERRORED, "operators", checks=UNSUPPORTED, **failed),
        Row("lars_never_ends", None, Status.FAILED, "the build took longer than 60 s " * 5),
    )


PARTS = (
    PointsPart("shapes", 20, 20, "7 of 7 layers are right"),
    PointsPart("claims", 5, 10, "1 of 2 claims are right"),
)
DIGITS = (Digit(8, 5, 6, 0.0), Digit(115, 4, 9, 0.25), Digit(247, 4, 2, 0.95))
CONFUSION = tuple(tuple(29_400 if i == j else (7 * i + 3 * j) % 60 for j in range(10)) for i in range(10))


def drawn(index: int) -> bytes:
    """Pixels of a test image: a bar, one for each index."""
    return bytes(255 if column == index % 28 else 0 for _ in range(28) for column in range(28))


def pairs() -> tuple[Pair, ...]:
    """Every two ranked submissions; those that are far apart are told apart."""
    ranks = [(i, row.accuracy or 0.0) for i, row in enumerate(rows()) if row.place_low is not None]
    found = []
    for (i, first), (j, second) in itertools.combinations(ranks, 2):
        value = first - second
        found.append(Pair(i, j, Difference(value, value - 0.002, value + 0.002), abs(value) > 0.003))
    return tuple(found)


def board() -> Board:
    """The board of the golden files."""
    return Board(
        title="LeNet-5 on MNIST",
        dataset="MNIST, 60,000 training and 10,000 test images",
        budget="standard: 3 epochs of 55,000 images in batches of 128, Adam with learning rate 0.001, 3 seeds.",
        budget_hash="9f3c2a7be014",
        reference="LeNet-5",
        reference_parameters=61_706,
        rows=rows(),
        environment={"python": "3.11.7", "torch": "2.13.0", "tensorflow": "2.21.0", "processor": "2 cores, x86_64"},
        smallest_difference=0.00287,
        points_rule="Points: 10 for a model that can be built, 20 for right layers, 10 for right claims, 100 at most.",
        points_parts=("imports", "shapes", "claims"),
        pairs=pairs(),
        confusion=CONFUSION,
        hardest=DIGITS[:2],
        images={digit.index: drawn(digit.index) for digit in DIGITS},
        command="harness grade submissions --reports reports",
        notes=("farid_keras_subclass: 2 of 3 seeds are still to be trained.",),
    )


def verdict(checks: tuple[Check, ...] = NOTED, name: str = "emi_keras_functional", **more: Any) -> Verdict:
    fields: dict[str, Any] = {
        "entry": "model.py: build_model()",
        "input_form": "28x28, channels last",
        "output_kind": OutputKind.PROBABILITIES,
        "layers": lenet5("conv2d_", "dense_"),
        "parameters": 61_706,
        "macs": 416_520,
        "matches_reference": True,
    }
    return Verdict(name, Framework.TENSORFLOW, checks, **{**fields, **more})


def shown(renderable: RenderableType, width: int = 120, colour: bool = False) -> str:
    """What a terminal of this width gets."""
    file = io.StringIO()
    system: Any = "standard" if colour else None
    console = Console(
        file=file, width=width, color_system=system, force_terminal=colour, highlight=False, _environ={"TERM": "xterm"}
    )
    console.print(renderable)
    return file.getvalue()


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


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_bytes().decode()


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
    assert set(document["rows"][0]) >= set(Row.__dataclass_fields__) - {"pseudonym"}
    assert set(document) >= set(Board.__dataclass_fields__) - {"images", "points_parts"}
    assert set(verdict_json(verdict())) == {"status", *Verdict.__dataclass_fields__} - {"weight_digests"}


def test_a_difference_that_is_clear_alone_may_be_too_little_among_many() -> None:
    row = ranked(
        "ada", (1, 2), 0.98, versus_reference=Versus.TIED, reference_difference=Difference(-0.0013, -0.0026, -0.0001)
    )
    told = "+13 errors in 10,000 (+1 to +26)"
    assert (
        wording.reference_difference(row) == f"{told}; by chance alone, one of so many comparisons may look like that"
    )
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
    assert (wording.layer_parameters(frozen), wording.layer_count(frozen)) == ("10 frozen", "10 = (4 + 1) * 2")


@pytest.mark.parametrize("width", [80, 87, 100, 120, 150, 179, 180, 190, 220])
def test_no_text_is_cropped_in_a_terminal(width: int) -> None:
    row = ranked("☃" * 50, (1, 1), 0.98, status=Status.FAILED, reason="☂" * 80, parameters=123_456_789)
    text = shown(board_table(replace(board(), rows=(row, *rows()))), width).split("What went wrong")[0]
    assert text.count("☃") == 50 and text.count("☂") == 80 and "123,456,789" in text
    assert max(len(line) for line in text.splitlines()) <= width


def test_terminal_greys_references_and_colours_status() -> None:
    text = shown(board_table(board()), 190, colour=True)
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
    assert chart and not chart.has_training and "training images" not in chart.told


def test_without_held_out_images_no_curve_is_said_to_be_of_them() -> None:
    trained = SeedRun(0, RunStatus.DONE, 0.9, curve=Curve((0.4, 0.1), (), (), (0.8, 0.9)))
    row = replace(rows()[0], runs=(trained,))
    for chart in (seed_chart(row, replace(row, is_reference=True), training=True), loss_chart(row)):
        assert chart and not chart.has_held_out and not chart.has_reference
        assert "no images were held out" in chart.told
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
