"""Reports are made again only where something changed, and are then the same as if everything had been made."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cattrs
import numpy as np
import pytest
from example_board import FLAGGED, PASSED, board, lenet5, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli.output import publish
from harness.datasets import catalogue
from harness.experiments.pipeline import in_public, report
from harness.records.board import Board
from harness.records.check import Check, Outcome
from harness.records.checks import Findings
from harness.records.framework import Framework
from harness.records.graph import OutputKind
from harness.records.run import Curve, RunResult, RunStatus
from harness.records.verdict import Verdict
from harness.reports import page, writing
from harness.reports.writing import render_all, write_reports
from harness.scoring.standing import Entrant
from harness.storage import versions
from harness.storage.store import Store
from harness.tasks.assignment import Assignment, Budget

RECORD = ".made.json"


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The title of each page that is rendered from now on."""
    found: list[str] = []
    real = page.render

    def render(template: str, **content: Any) -> str:
        found.append(content["row"].submission if "row" in content else template)
        return real(template, **content)

    monkeypatch.setattr(page, "render", render)
    return found


def files(folder: Path) -> dict[str, str]:
    """Every report file with its text."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    return {str(path.relative_to(folder)): path.read_bytes().decode() for path in found}


def written(folder: Path) -> dict[str, int]:
    """Every file, by what changes when it is written: a new file takes its place."""
    return {str(path.relative_to(folder)): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def with_other(name: str, **more: Any) -> Board:
    """The example board with one row changed."""
    return replace(board(), rows=tuple(replace(row, **more) if row.submission == name else row for row in rows()))


def test_nothing_is_rendered_or_written_where_nothing_changed(tmp_path: Path, rendered: list[str]) -> None:
    publish(board(), tmp_path, as_json=True)
    assert len(rendered) > len(board().rows) - 2
    before, rendered[:] = written(tmp_path), []
    publish(board(), tmp_path, as_json=True)
    assert rendered == []
    assert written(tmp_path) == before


def test_where_one_submission_changed_only_its_page_is_rendered(tmp_path: Path, rendered: list[str]) -> None:
    publish(board(), tmp_path, as_json=True)
    before, rendered[:] = written(tmp_path), []
    publish(with_other("chloe_torch_sequential", entry="model.py: Other()"), tmp_path, as_json=True)
    assert sorted(rendered) == ["chloe_torch_sequential", "leaderboard.html"]
    new = changed(before, written(tmp_path))
    assert new == {"students/chloe_torch_sequential.html", "leaderboard.html", "leaderboard.json", RECORD}


def test_a_page_stays_where_the_class_changes_nothing_that_it_shows(tmp_path: Path, rendered: list[str]) -> None:
    found = next(row for row in rows() if row.submission == "ada_torch_class")
    publish(board(), tmp_path, as_json=True)
    rendered.clear()
    barely = tuple(replace(digit, right=digit.right + 1e-6) for digit in found.surprises)
    difference = found.reference_difference
    assert difference is not None
    closer = replace(difference, low=difference.low + 1e-7)
    after = with_other("ada_torch_class", surprises=barely, reference_difference=closer, same_as=("another",))
    publish(after, tmp_path, as_json=True)
    assert rendered == ["leaderboard.html"]
    assert files(tmp_path) == render_all(after)


def edited(path: Path) -> None:
    path.write_text(path.read_text().replace("ada", "bob"))


def emptied(path: Path) -> None:
    path.write_text("")


def linked(path: Path) -> None:
    """The same text, but somewhere else."""
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("harm", [edited, emptied, linked, piped, Path.unlink])
@pytest.mark.parametrize("name", ["students/ada_torch_class.html", "students/ada_torch_class.svg", "leaderboard.csv"])
def test_a_file_that_was_changed_by_hand_is_written_again(
    tmp_path: Path, name: str, harm: Callable[[Path], None]
) -> None:
    publish(board(), tmp_path, as_json=True)
    before = written(tmp_path)
    harm(tmp_path / name)
    publish(board(), tmp_path, as_json=True)
    (tmp_path / "elsewhere").unlink(missing_ok=True)
    assert files(tmp_path) == render_all(board()) and not (tmp_path / name).is_symlink()
    assert changed(before, written(tmp_path)) <= {name}


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '{"": 1}', '{"": {"facts": "x", "files": {"a": []}}}'])
def test_a_damaged_record_is_none(tmp_path: Path, text: str) -> None:
    publish(board(), tmp_path, as_json=True)
    edited(tmp_path / "leaderboard.md")
    (tmp_path / RECORD).write_text(text)
    publish(board(), tmp_path, as_json=True)
    assert files(tmp_path) == render_all(board())
    assert json.loads((tmp_path / RECORD).read_text()).keys() > {"", "ada_torch_class"}


def test_a_record_that_names_files_elsewhere_removes_and_keeps_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    publish(board(), folder, as_json=True)
    (tmp_path / "mine").write_text("mine")
    known = json.loads((folder / RECORD).read_text())
    known["ada_torch_class"]["files"] = {"../mine": known["ada_torch_class"]["files"]["students/ada_torch_class.svg"]}
    (folder / RECORD).write_text(json.dumps(known))
    publish(board(), folder, as_json=True)
    assert files(folder) == render_all(board()) and (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("name", ["code_digest", "installed_packages"])
def test_another_version_makes_everything_again(
    tmp_path: Path, rendered: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    publish(board(), tmp_path, as_json=True)
    count = len(rendered)
    monkeypatch.setattr(versions, name, lambda: "another")
    publish(board(), tmp_path, as_json=True)
    assert len(rendered) == 2 * count


def test_another_template_makes_everything_again(
    tmp_path: Path, rendered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(board(), tmp_path, as_json=True)
    count = len(rendered)
    monkeypatch.setattr(writing, "templates", lambda: "another")
    publish(board(), tmp_path, as_json=True)
    assert len(rendered) == 2 * count


def test_every_template_counts() -> None:
    names = {path.name for path in (Path(page.__file__).parent / "templates").iterdir()}
    assert names == {path.name for path in page.template_files()}


def test_the_record_of_an_anonymous_board_names_nobody(tmp_path: Path) -> None:
    publish(board(), tmp_path, as_json=True)
    hidden = in_public(replace(board(), rows=tuple(replace(r, pseudonym=f"p{i}") for i, r in enumerate(rows()))))
    publish(hidden, tmp_path, as_json=True)
    assert list(json.loads((tmp_path / RECORD).read_text())) == [""]
    assert files(tmp_path) == render_all(hidden)


def test_without_a_version_no_record_stays(tmp_path: Path) -> None:
    publish(board(), tmp_path, as_json=True)
    write_reports(board(), tmp_path)
    assert not (tmp_path / RECORD).exists()


CHANGES = (
    {"title": "Another title"}, {"sandboxed": False}, {"reference": "LeNet"}, {"reference_parameters": 60_000},
    {"budget": "quick"}, {"budget_hash": "0"}, {"dataset": "Fashion"}, {"points_rule": "Other points"},
    {"notes": ("a note",)}, {"command": "harness grade"}, {"smallest_difference": 0.1}, {"environment": {}},
    {"images": {8: bytes(784), 115: bytes(784), 247: bytes(784)}}, {"hardest": ()}, {"pairs": (), "confusion": ()},
    {"rows": rows()[1:], "pairs": ()}, {"rows": tuple(r for r in rows() if not r.is_reference), "pairs": ()},
    {"rows": tuple(replace(r, runs=r.runs[:1]) if r.is_reference else r for r in rows())},
    {"rows": tuple(replace(r, accuracy=(r.accuracy or 0.0) - 0.01) for r in rows())},
    {"rows": tuple(replace(r, place_low=None, place_high=None) for r in rows())},
    {"rows": tuple(replace(r, runs=()) for r in rows())},
    {"rows": tuple(replace(r, submission=r.submission.upper()) for r in rows())},
)  # fmt: skip


@given(st.lists(st.sets(st.integers(0, len(CHANGES) - 1), max_size=3), min_size=2, max_size=4))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_changes_the_files_are_those_of_a_new_folder(
    tmp_path_factory: pytest.TempPathFactory, boards: list[set[int]]
) -> None:
    folder = tmp_path_factory.mktemp("reports")
    for chosen in boards:
        changes: dict[str, Any] = {}
        for number in sorted(chosen):
            changes |= CHANGES[number]
        now = replace(board(), **changes)
        publish(now, folder, as_json=True)
        assert files(folder) == render_all(now)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_each_change_is_seen(tmp_path: Path, change: dict[str, Any]) -> None:
    publish(board(), tmp_path, as_json=True)
    publish(replace(board(), **change), tmp_path, as_json=True)
    assert files(tmp_path) == render_all(replace(board(), **change))


LABELS = catalogue.load("mnist").test_labels


def result(key: str, seed: int, chance: np.random.Generator) -> RunResult:
    wrong = chance.random(len(LABELS)) < 0.02
    answers = np.where(wrong, (LABELS + 1) % 10, LABELS).astype(np.uint8).tobytes()
    curve = Curve((0.3, 0.1), (0.2, 0.1), (0.9, float(chance.random())), (0.9, 0.95))
    return RunResult(key, seed, RunStatus.DONE, predictions=answers, curve=curve, seconds=12.0)


def entrant(name: str, seeds: int, version: int = 0, *, is_reference: bool = False) -> Entrant:
    verdict = Verdict(
        name, Framework.TORCH, (*PASSED, FLAGGED), "model.py: Net()", "28x28, channels first", OutputKind.LOGITS,
        "f" * 64, ("1", "2"), lenet5(), parameters=61_706, macs=416_520,
    )  # fmt: skip
    keys = tuple(f"{name}/{version}/{seed}" for seed in range(seeds))
    return Entrant(verdict, keys, is_reference)


def graded(store: Store, entries: list[Entrant], assignment: Assignment) -> Board:
    """The board of a class, as `harness report` makes it."""
    for entry in entries:
        for seed, key in enumerate(entry.run_keys):
            if not store.runs([key]):
                store.save_run(result(key, seed, np.random.default_rng(list(key.encode()))))
    content = {"assignment": asdict(assignment), "entries": cattrs.unstructure(entries), "sandboxed": True}
    store.save_board(content)
    return report(store)


def test_a_changed_class_gives_the_same_bytes_as_a_new_folder(tmp_path: Path, rendered: list[str]) -> None:
    """One submission, the policy on findings, the roster, another seed."""
    three, four = Assignment(), Assignment(budget=Budget(seeds=4))
    strict = replace(three, findings=Findings(same_weights="fail"))
    names = [f"student {number}" for number in range(12)]
    first = [entrant(name, 3) for name in names] + [entrant("LeNet-5", 3, is_reference=True)]
    resubmitted = [entrant(names[0], 3, version=1), *first[1:]]
    absent = Entrant(Verdict("someone", None, (Check("source", Outcome.FAILED, "a file", "none", "hand in"),)), ())
    renamed = [
        *(replace(e, verdict=replace(e.verdict, submission=f"{e.verdict.submission} (Ada)")) for e in first),
        absent,
    ]
    more = [entrant(name, 4) for name in names] + [entrant("LeNet-5", 4, is_reference=True)]
    classes = [(first, three), (resubmitted, three), (first, strict), (renamed, three), (more, four), (first, three)]
    folder = tmp_path / "reports"
    with Store(tmp_path / "store.sqlite") as store:
        for entries, assignment in classes:
            now = graded(store, entries, assignment)
            publish(now, folder, as_json=True)
            assert files(folder) == render_all(now)
        rendered.clear()
        publish(graded(store, first, three), folder, as_json=True)
    assert rendered == []
