"""A board with a bit of everything, its terminal output, and the golden files."""

from __future__ import annotations

import io
import itertools
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType

from harness.records.board import Board, Difference, Digit, Pair, Points, PointsPart, Row, SeedRun, Status, Versus
from harness.records.check import Check, Outcome
from harness.records.claim import Claim
from harness.records.engine import Engine
from harness.records.framework import Framework
from harness.records.graph import OutputKind, Shape, Window
from harness.records.layer import Layer
from harness.records.run import Curve, RunStatus
from harness.records.verdict import Verdict

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
    Check("layer", Outcome.PASSED, found="conv1: convolution, 6 filters of 5x5, padding 2 -> 6x28x28", about="C1"),
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
        "layer",
        Outcome.FAILED,
        "convolution, 6 filters of 5x5, padding 2 -> 6x28x28, 156 = (5*5*1 + 1) * 6",
        "conv1: convolution, 6 filters of 5x5 -> 6x24x24, 156 = (5*5*1 + 1) * 6",
        "Set padding=2: 5x5 on 28x28 without padding gives 24x24, with padding 2 it stays 28x28.",
        about="C1",
    ),
    Check(
        "layer",
        Outcome.FAILED,
        "dense, 120 units on 400 inputs -> 120, 48,120 = (400 + 1) * 120",
        "fc1: dense, 120 units on 256 inputs -> 120, 30,840 = (256 + 1) * 120",
        "follows from layer C1: fix that first",
        about="C5",
    ),
    Check(
        "parameters",
        Outcome.FAILED,
        "61,706",
        "44,426 (17,280 fewer)",
        "fix the layers above: the total follows from them",
    ),
    Check("run", Outcome.SKIPPED),
)
FLAGGED = Check(
    "same_weights",
    Outcome.FLAGGED,
    "different weights from each seed",
    "seeds 0 and 1 start from the same 150 of 61,706 numbers: conv1\x1b[31m<b>|.weight (6x1x5x5)",
    "remove torch.manual_seed() from the file",
    "150 numbers",
)
PRETRAINED = Check(
    "pretrained",
    Outcome.FAILED,
    "about 10 % accuracy on the held-out images before training, at most 40 %",
    "94.8 % accuracy before the first training step (seed 1)",
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
        "engine": Engine.COMPILED,
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
    """Ties, twins, gray references, every status, hostile names."""
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
            engine=Engine.FRAMEWORK,
            distrust="its results differ from the framework's (the gradient of t0: 3.1e-04, at most 0.0001)",
        ),
        ranked(
            "ada_torch_class",
            (2, 5),
            0.98713,
            versus_reference=Versus.UNCLEAR,
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
    PointsPart("shapes", 20, 20, "7 of 7 layers are correct"),
    PointsPart("claims", 5, 10, "1 of 2 claims are right"),
)
DIGITS = (Digit(8, 5, 6, 0.0), Digit(115, 4, 9, 0.25), Digit(247, 4, 2, 0.95))
CONFUSION = tuple(tuple(29_400 if i == j else (7 * i + 3 * j) % 60 for j in range(10)) for i in range(10))


def drawn(index: int) -> bytes:
    """Pixels of a test image: a bar, one for each index."""
    return bytes(255 if column == index % 28 else 0 for _ in range(28) for column in range(28))


def pairs() -> tuple[Pair, ...]:
    """Every two ranked submissions; those that are far apart differ clearly."""
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
        points_rule="Points: 10 for a model that can be built, 20 for correct layers, 10 for correct claims, at most 100.",
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


def shown(renderable: RenderableType, width: int = 120, color: bool = False) -> str:
    """What a terminal of this width gets."""
    file = io.StringIO()
    system: Any = "standard" if color else None
    console = Console(
        file=file, width=width, color_system=system, force_terminal=color, highlight=False, _environ={"TERM": "xterm"}
    )
    console.print(renderable)
    return file.getvalue()


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_bytes().decode()
