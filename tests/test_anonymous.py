"""Anonymous boards: nothing that a student wrote or could influence is in any rendering, and order tells no name."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_board import FLAGGED, PASSED, PRETRAINED, UNPADDED, board, lenet5, ranked
from jsonschema import Draft202012Validator
from rich.console import Console

from harness.records.board import ONE_SEED, Board, Difference, Digit, Pair, Points, PointsPart, Row, SeedRun, Status
from harness.records.check import Check, Outcome
from harness.records.checks import KINDS, Findings
from harness.records.claim import Claim
from harness.records.framework import Framework
from harness.records.graph import Tensor, TensorKind, Window
from harness.records.layer import Layer
from harness.records.run import Curve, Observations, RunResult, RunStatus
from harness.records.verdict import Verdict
from harness.reports.anonymous import KEPT, REMOVED, REPLACED, anonymous, submissions
from harness.reports.terminal import board_table
from harness.reports.writing import FILES, write_reports
from harness.scoring.findings import of_runs, same_weights, unrepeatable
from harness.scoring.standing import Entrant, standing
from harness.storage import pseudonyms
from reference.lenet5 import LENET5

PIXELS = {index: bytes(784) for index in range(1000)}
MARKER = "Marquita"
ROOT = Path(__file__).parents[1]


def terminal(of: Board) -> str:
    file = io.StringIO()
    Console(file=file, width=190).print(board_table(of))
    return file.getvalue()


RENDERINGS: dict[str, Callable[[Board], str]] = {**FILES, "terminal": terminal}


def pseudonyms_of(of: Board) -> dict[str, str]:
    return {name: f"amber-{at}" for at, name in enumerate(submissions(of))}


def hidden(of: Board) -> Board:
    return anonymous(of, pseudonyms_of(of))


def marked(check: str, status: Status, layers: tuple[Layer, ...]) -> Row:
    """A row with the marker in all that a student can influence; a build can forge a check of any name."""
    text = f"{MARKER} wrote {check}"
    expected = "6 filters" if layers else text
    failed = Check(check, Outcome.FAILED, expected, text, text, about=text)
    checks = (failed, Check(text, Outcome.ERRORED, text, text, text, text, text))
    return Row(
        f"{MARKER}-{check}",
        Framework.TORCH,
        status,
        f"{check}: {text}",
        accuracy=0.98 if status is Status.RANKED else None,
        parameters=1,
        runs=(SeedRun(0, RunStatus.CRASHED, 0.0, text), SeedRun(1, RunStatus.DIVERGED, 0.0, text)),
        seeds_asked=3,
        fingerprint=text,
        same_as=(f"{MARKER}-nobody", "LeNet-5"),
        entry=text,
        input_form=text,
        layers=layers,
        checks=checks,
        pseudonym=text,
        claims=(Claim(text, 1, 2, text, text),),
        points=Points(1, 2, (PointsPart("claims", 1, 2, text),)),
    )


def marked_board() -> Board:
    layer = Layer(MARKER, (1,), (1,), MARKER, formula=f"1 = {MARKER}", tensors=(MARKER,), shared=(MARKER,))
    rows = [marked(name, Status.FAILED, ()) for name in KINDS]
    rows += [marked("layer", status, (layer, *lenet5(MARKER, MARKER))) for status in Status]
    return Board(
        "title", "data", "budget", "hash", "LeNet-5", 61_706, tuple(rows),
        command=f"harness grade '{MARKER} x' --only={MARKER} --budget quick --store {MARKER}.sqlite --isolation none",
        notes=(f"{MARKER} is late", ONE_SEED), points_rule="Points: 2 for correct claims.", points_parts=("claims",),
    )  # fmt: skip


@pytest.mark.parametrize("name", RENDERINGS)
def test_no_rendering_has_what_a_student_could_write(name: str) -> None:
    assert MARKER in RENDERINGS[name](marked_board()) or name == "leaderboard.html"
    assert MARKER.lower() not in RENDERINGS[name](hidden(marked_board())).lower()


def test_no_file_on_the_disk_has_a_name_in_it(tmp_path: Path) -> None:
    write_reports(marked_board(), tmp_path)
    write_reports(hidden(marked_board()), tmp_path)
    assert not any(MARKER in path.read_text() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("record", KEPT)
def test_every_field_was_decided_on(record: type[Any]) -> None:
    parts = [KEPT[record], REPLACED[record], REMOVED[record]]
    assert set().union(*parts) == {field.name for field in fields(record)}
    assert sum(map(len, parts)) == len(set().union(*parts))


def test_records_that_are_passed_on_whole_hold_numbers_alone() -> None:
    assert (
        KEPT.keys()
        == REPLACED.keys()
        == REMOVED.keys()
        == {Board, Row, SeedRun, Check, Layer, Pair, Points, PointsPart}
    )
    for record in (Difference, Digit, Curve, Window):
        assert all(re.fullmatch(r"(int|float|bool|tuple|\[|\]|, |\.\.\.)+", str(f.type)) for f in fields(record))


def test_every_check_of_ours_keeps_its_name() -> None:
    ours = [Check(id_, Outcome.FAILED) for id_ in KINDS]
    ours += [Check("layer", Outcome.FAILED, about=layer.label) for layer in LENET5.layers]
    ours += [Check("extra", Outcome.FAILED, about="layer")]
    row = Row("jon", None, Status.FAILED, checks=tuple(ours))
    found = hidden(replace(board(), pairs=(), rows=(row,))).rows[0]
    assert [check.name for check in found.checks] == [check.name for check in ours]


def test_what_the_harness_found_is_still_told() -> None:
    rows = (
        ranked("dora", (1, 1), 0.98, checks=(*PASSED, FLAGGED)),
        Row("jon", Framework.TORCH, Status.FAILED, "a reason", checks=UNPADDED, layers=lenet5()),
        Row("kai", Framework.TORCH, Status.FAILED, "another", checks=(PRETRAINED,), layers=lenet5()),
        Row("ida", None, Status.ERRORED, "crashed", runs=(SeedRun(1, RunStatus.CRASHED, 0.0, "ida's error"),)),
        Row("ole", None, Status.ERRORED, "not all", runs=(SeedRun(1, RunStatus.DONE, 0.5),), seeds_asked=2),
    )
    found = hidden(replace(board(), pairs=(), rows=rows)).rows
    assert [row.findings[0].brief for row in found if row.findings] == ["150 numbers", "94.8 %"]
    assert found[1].checks[2] == replace(UNPADDED[2], found="", try_="")
    assert [row.reason for row in found[1:]] == [
        "layer C1; layer C5; parameters", "pretrained", "seed 1 crashed", "not all runs are done",
    ]  # fmt: skip
    assert [layer.label for layer in found[0].layers] == [
        *("conv2d 1", "max_pool 1", "conv2d 2", "max_pool 2", "flatten 1", "dense 1", "dense 2", "dense 3"),
    ]
    assert [layer.formula for layer in found[0].layers] == [layer.formula for layer in lenet5()]
    assert found[0].accuracy == rows[0].accuracy and found[0].curves == rows[0].curves
    assert found[0].input_form == "28x28, channels first"


def test_the_evidence_of_each_finding_keeps_its_form() -> None:
    seen = Observations(0.948, {"t0": 1, "t1": 61_705})
    tensor = Tensor("t0", TensorKind.PARAMETER, True, (61_706,), "F32")
    verdict = Verdict("ada", Framework.TORCH, ())
    checks = (
        *of_runs(verdict, [RunResult("k", 0, RunStatus.DONE, observations=seen)]),
        same_weights([tensor], [tensor], Framework.TORCH),
        unrepeatable([tensor], [tensor]),
    )
    row = ranked("ada", (1, 1), 0.98, checks=checks)
    assert len(checks) == 4
    assert [c.brief for c in hidden(replace(board(), pairs=(), rows=(row,))).rows[0].checks] == [
        c.brief for c in checks
    ]


def test_the_command_says_how_it_was_measured_and_nothing_else() -> None:
    assert hidden(marked_board()).command == "harness grade --budget quick --isolation none"
    assert hidden(replace(marked_board(), command="")).command == ""
    assert hidden(replace(marked_board(), command="harness grade quick --only 'walls none'")).command == "harness grade"


def test_notes_that_are_not_ours_are_left_out() -> None:
    assert hidden(marked_board()).notes == (ONE_SEED,)


def test_ties_stand_in_the_order_of_pseudonyms_and_pairs_follow() -> None:
    rows = (
        ranked("ada", (1, 4), 0.98),
        ranked("ben", (1, 4), 0.98, same_as=("cleo", "ada")),
        ranked("cleo", (1, 4), 0.98),
        ranked("LeNet-5", None, 0.97, is_reference=True, same_as=("dan",)),
        ranked("dan", (1, 4), 0.97),
        Row("eve", None, Status.FAILED),
        Row("fay", None, Status.FAILED),
    )
    pairs = (
        Pair(0, 1, Difference(0.0, -0.1, 0.2), is_clear=False),
        Pair(0, 4, Difference(0.01, 0.005, 0.015), is_clear=True),
        Pair(1, 2, Difference(0.0, -0.3, 0.4), is_clear=False),
    )
    names = {"ada": "noble-oak", "ben": "jade-elm", "cleo": "agile-fox", "dan": "rapid-lynx", "eve": "z", "fay": "b"}
    found = anonymous(replace(board(), rows=rows, pairs=pairs), names)
    assert [row.submission for row in found.rows] == [
        *("agile-fox", "jade-elm", "noble-oak", "LeNet-5", "rapid-lynx", "b", "z"),
    ]
    assert found.rows[1].same_as == ("agile-fox", "noble-oak") and found.rows[3].same_as == ("rapid-lynx",)
    assert found.pairs == (
        Pair(0, 1, Difference(0.0, -0.4, 0.3), is_clear=False),
        Pair(1, 2, Difference(0.0, -0.2, 0.1), is_clear=False),
        Pair(2, 4, Difference(0.01, 0.005, 0.015), is_clear=True),
    )


def test_one_board_under_other_names_is_the_same_anonymous_board() -> None:
    """Whatever the names are: only the pseudonyms say which row is whose."""
    labels = (np.arange(1000) % 10).astype(np.uint8)

    def published(names: dict[str, str]) -> str:
        keys = {name: (f"{name}/0", f"{name}/1") for name in names}
        errors = {"a": 10, "b": 10, "c": 10, "d": 30}
        runs, entries = {}, []
        for name, who in names.items():
            for seed, key in enumerate(keys[name]):
                answers = labels.copy()
                answers[seed : errors[who] + seed] += 1
                runs[key] = RunResult(key, seed, RunStatus.DONE, "", (answers % 10).tobytes())
            entries.append(
                Entrant(Verdict(name, Framework.TORCH, (Check("model", Outcome.PASSED, found=name),)), keys[name])
            )
        found = standing(sorted(entries, key=lambda e: e.verdict.submission), runs, labels, 2, Findings())
        whole = Board(
            "t", "d", "b", "h", "LeNet-5", 61_706, found.rows, pairs=found.pairs, hardest=found.hardest, images=PIXELS
        )
        return "".join(
            render(anonymous(whole, {n: f"pseudonym-{who}" for n, who in names.items()})) for render in FILES.values()
        )

    first = published({"ada": "a", "ben": "b", "cleo": "c", "dan": "d"})
    assert first == published({"zoe": "a", "yan": "b", "xia": "c", "abe": "d"})


def test_an_anonymous_board_is_what_the_schema_says() -> None:
    schema = json.loads((ROOT / "docs" / "leaderboard.schema.json").read_text())
    for of in (marked_board(), board()):
        Draft202012Validator(schema).validate(json.loads(FILES["leaderboard.json"](hidden(of))))


def test_every_run_is_under_its_pseudonym() -> None:
    lines = list(csv.DictReader(io.StringIO(FILES["runs.csv"](hidden(board())))))
    names = pseudonyms_of(board())
    assert {line["submission"] for line in lines} <= {*names.values(), "lenet5_torch", "lenet5_keras"}
    assert not any(line["fingerprint"] or line["reason"] for line in lines) and len(lines) > 20


def test_pseudonyms_are_words_by_chance_and_get_a_number_when_they_are_used_up() -> None:
    pairs = len(pseudonyms.FIRST) * len(pseudonyms.SECOND)
    assert pairs == 64 * 64 and len(set(pseudonyms.FIRST)) == len(set(pseudonyms.SECOND)) == 64
    few = pseudonyms.draw(50, ())
    assert all(re.fullmatch(r"[a-z]+-[a-z]+", name) for name in few) and few != pseudonyms.draw(50, ())
    every = pseudonyms.draw(pairs + 10, ())
    assert len(set(every)) == pairs + 10 and sum(name.endswith("-2") for name in every) == 10
    assert set(pseudonyms.draw(5, set(every))).isdisjoint(every)
    assert pseudonyms.draw(0, ()) == []
