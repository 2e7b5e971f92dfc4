"""Reports against golden files, and against hostile text.

After a wanted change of a report: UPDATE_GOLDEN=1 pytest tests/test_reports.py, then read the difference of
tests/golden/ before it is committed.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console, RenderableType

from harness.errors import HarnessError
from harness.records import (
    Board,
    Check,
    Curve,
    Framework,
    Layer,
    Outcome,
    OutputKind,
    Row,
    Status,
    Verdict,
    Window,
)
from harness.reports import wording
from harness.reports.axis import axis_of, bar, chart
from harness.reports.html import board_html
from harness.reports.machine import board_json, verdict_json
from harness.reports.markdown import board_markdown
from harness.reports.neutral import clean, markdown, spreadsheet
from harness.reports.spreadsheet import board_csv
from harness.reports.terminal import board_table, make_console, verdict_view
from harness.reports.writing import write_reports

GOLDEN = Path(__file__).parent / "golden"
PADDED = Window((5, 5), padding=(2, 2, 2, 2))
HALVE = Window((2, 2), stride=(2, 2))


def lenet5(conv: str = "conv", dense: str = "fc") -> tuple[Layer, ...]:
    """LeNet-5 as a student names it."""
    return (
        Layer("conv2d", (1, 28, 28), (6, 28, 28), f"{conv}1", PADDED, True, 1, 156, 0, 0, 117_600, "156 = (5*5*1 + 1) * 6"),
        Layer("max_pool", (6, 28, 28), (6, 14, 14), "", HALVE),
        Layer(
            "conv2d",
            (6, 14, 14),
            (16, 10, 10),
            f"{conv}2",
            Window((5, 5)),
            True,
            parameters=2_416,
            macs=240_000,
            formula="2,416 = (5*5*6 + 1) * 16",
        ),
        Layer("max_pool", (16, 10, 10), (16, 5, 5), "", HALVE),
        Layer("flatten", (16, 5, 5), (400,)),
        units(f"{dense}1", 400, 120),
        units(f"{dense}2", 120, 84),
        units(f"{dense}3", 84, 10),
    )


def units(label: str, inputs: int, outputs: int) -> Layer:
    total = (inputs + 1) * outputs
    formula = f"{total:,} = ({inputs} + 1) * {outputs}"
    return Layer(
        "dense", (inputs,), (outputs,), label, bias=True, parameters=total, macs=inputs * outputs, formula=formula
    )


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


def ranked(name: str, place: int | None, mean: float, framework: Framework = Framework.TORCH, **more: Any) -> Row:
    """A row of the reference architecture with three seeds."""
    fields: dict[str, Any] = {
        "matches_reference": True,
        "parameters": 61_706,
        "macs": 416_520,
        "accuracy": mean,
        "accuracy_low": mean - 0.002,
        "accuracy_high": mean + 0.0017,
        "errors_per_10000": 10_000 * (1 - mean),
        "seed_accuracies": (mean - 0.0011, mean + 0.0003, mean + 0.0008),
        "seeds_done": 3,
        "seeds_asked": 3,
        "seconds": 41.72,
        "fingerprint": f"{place or 0}5c1" * 16,
        "entry": "model.py: Net()",
        "input_form": "28x28, channels first",
        "output_kind": OutputKind.LOGITS,
        "layers": lenet5(),
        "checks": PASSED,
        "curves": tuple(Curve((0.4, 0.1, 0.07), (0.12, 0.08, 0.05), (0.962, s, s + 0.006)) for s in (0.974, 0.976, 0.98)),
    }
    return Row(name, framework, Status.RANKED, place=place, **{**fields, **more})


def rows() -> tuple[Row, ...]:
    """Ties, twins, grey references, every status, hostile names."""
    keras = Framework.TENSORFLOW
    failed: dict[str, Any] = {"seeds_asked": 3, "entry": "model.py: Net()"}
    return (
        ranked("gwen_bigger", 1, 0.98996, matches_reference=False, parameters=335_114, macs=1_482_816, seconds=1203.4),
        ranked("ada_torch_class", 2, 0.98713, same_as=("chloe_torch_sequential",)),
        ranked("chloe_torch_sequential", 2, 0.98713, same_as=("ada_torch_class",)),
        ranked("lenet5_torch", None, 0.98706, is_reference=True),
        ranked("emi_keras_functional", 4, 0.98673, keras, checks=NOTED, output_kind=OutputKind.PROBABILITIES),
        ranked("lenet5_keras", None, 0.98651, keras, is_reference=True),
        ranked(HOSTILE[0], 5, 0.9852),
        ranked(HOSTILE[1], 6, 0.9851, layers=lenet5(conv=HOSTILE[6])),
        ranked(HOSTILE[2], 7, 0.9814, same_as=("ada_torch_class", *HOSTILE[3:])),
        ranked("Zoë Ångström", 8, 0.1135, accuracy_low=math.nan, accuracy_high=math.inf, curves=(Curve((math.nan,)),)),
        replace(
            ranked("farid_keras_subclass", None, 0.9779, keras, seeds_done=1, seed_accuracies=(0.9779,)),
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
        *(Row(n, keras, Status.FAILED, n, checks=(Check(n, Outcome.FAILED, n, n, n),), **failed) for n in HOSTILE[3:]),
        Row("hana_fourier", Framework.TORCH, Status.ERRORED, "operators", checks=UNSUPPORTED, **failed),
        Row("lars_never_ends", None, Status.FAILED, "the build took longer than 60 s " * 5),
    )


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


def one(text: str) -> Board:
    """A board with this text in every place that a student can write to."""
    check = Check(text, Outcome.FAILED, text, text, text)
    layer = Layer(text, (1,), (1,), text, formula=text)
    row = ranked(text, 1, 0.98, reason=text, entry=text, layers=(layer,), same_as=(text,), checks=(check,))
    return replace(board(), rows=(row, replace(row, status=Status.FAILED)), notes=(text,), environment={text: text})


RENDERINGS: dict[str, Callable[[Board], str]] = {
    "leaderboard.md": board_markdown,
    "leaderboard.csv": board_csv,
    "leaderboard.json": board_json,
    "leaderboard.html": board_html,
    "board_160.txt": lambda b: shown(board_table(b), 160),
    "board_80.txt": lambda b: shown(board_table(b), 80),
}
VERDICTS = {
    "verdict_passed.txt": lambda: shown(verdict_view(verdict()), 80),
    "verdict_failed.txt": lambda: shown(verdict_view(verdict(UNPADDED, "jon_unpadded", matches_reference=False)), 80),
    "verdict_errored.txt": lambda: shown(verdict_view(verdict(UNSUPPORTED, HOSTILE[5], layers=())), 120),
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
