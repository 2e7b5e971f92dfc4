"""Points of a graded class: a new rule needs no training and no builds."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from recorder import Recorder
from test_points import RULE

from harness.cli import cli
from harness.cli.group import _guarded
from harness.experiments.candidates import verdict_key
from harness.experiments.pipeline import GradeRequest, grade, report
from harness.records.checks import Findings
from harness.records.framework import Framework
from harness.records.submission import SourceFile, Submission
from harness.storage.store import Store
from harness.tasks.assignment import Assignment, Budget, PointsRule, SafetyLimits

BEHAVIOURS = Path(__file__).parent / "submissions"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "assignment.toml"


def test_points_title_and_findings_are_in_no_key():
    submission = Submission("ada", (SourceFile("model.py", b""),), "model.py", Framework.TORCH)
    plain = verdict_key(submission, Assignment())
    assert verdict_key(submission, Assignment(title="T", findings=Findings(hidden="flag"), points=RULE)) == plain
    assert verdict_key(submission, Assignment(max_parameters=5)) != plain


BUDGET = Budget(epochs=1, seeds=2, batch_size=32, train_images=500, validation_images=500)
ASSIGNMENT = Assignment(budget=BUDGET, limits=SafetyLimits(build_seconds=8, memory_mib=1024), points=RULE)


def run(folder, store_path, assignment):
    progress = Recorder()
    with Store(store_path) as store:
        return grade(GradeRequest(folder, assignment, 2), store, progress), progress.stages


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("points")
    folder, store = tmp_path / "submissions", tmp_path / "store.sqlite"
    for name in ("claims_right_torch", "claims_wrong_torch", "no_padding_torch"):
        shutil.copytree(BEHAVIOURS / name, folder / name)
    board, stages = run(folder, store, ASSIGNMENT)
    assert stages["Training"]
    return folder, store, board


def by_name(board):
    return {row.submission: row for row in board.rows}


@pytest.mark.frameworks
def test_a_class_gets_its_points(graded):
    rows = by_name(graded[2])
    parts = {name: {part.name: part.earned for part in row.points.parts} for name, row in rows.items() if row.points}
    assert parts["claims_right_torch"]["claims"] == 10
    assert parts["claims_wrong_torch"]["claims"] == pytest.approx(10 / 7, abs=0.01)
    assert rows["claims_right_torch"].accuracy == rows["claims_wrong_torch"].accuracy  # one model, trained once
    assert parts["claims_right_torch"]["accuracy"] == parts["claims_wrong_torch"]["accuracy"]
    assert parts["no_padding_torch"] == {
        "imports": 9,
        "shapes": 6,
        "parameters": 0,
        "claims": 0,
        "accuracy": 0,
        "bonus": 0,
    }
    assert parts.keys() == {"claims_right_torch", "claims_wrong_torch", "no_padding_torch"}
    assert not any(row.findings for row in rows.values())
    assert rows["claims_wrong_torch"].claims[0].right == 156


@pytest.mark.frameworks
def test_another_rule_is_applied_by_grade_without_training_or_building(graded, monkeypatch):
    monkeypatch.setattr("harness.experiments.stages.examine", None)
    monkeypatch.setattr("harness.experiments.stages.train_one", None)
    other = replace(ASSIGNMENT, title="Again", points=PointsRule(imports=3, claims=4))
    board, stages = run(graded[0], graded[1], other)
    assert stages == {}
    assert {name: row.points.earned for name, row in by_name(board).items() if row.points} == {
        "claims_right_torch": 7,
        "claims_wrong_torch": 3.57,
        "no_padding_torch": 3,
    }
    without, stages = run(graded[0], graded[1], replace(ASSIGNMENT, points=None))
    assert stages == {} and not without.points_rule and not any(row.points for row in without.rows)
    run(graded[0], graded[1], ASSIGNMENT)


def reported(store, file, text, *options):
    """Exit code of `harness report --assignment` with this file, and leaderboard.json."""
    file.write_text(text)
    reports = file.parent / "reports"
    command = ["report", "--assignment", str(file), "--store", str(store), "--reports", str(reports), *options]
    code = _guarded(lambda: cli(command, standalone_mode=False))
    return code, json.loads((reports / "leaderboard.json").read_text()) if code == 0 else None


SAME = (
    "[budget]\nepochs = 1\nseeds = 2\nbatch_size = 32\ntrain_images = 500\nvalidation_images = 500\n"
    "[limits]\nbuild_seconds = 8\nmemory_mib = 1024\n"
)


@pytest.mark.frameworks
def test_report_applies_points_findings_and_title_of_a_file_from_the_store_alone(graded, file):
    moved = graded[0].with_name("gone")
    graded[0].rename(moved)
    try:
        code, board = reported(graded[1], file, f'[assignment]\ntitle = "Again"\n[points]\nclaims = 4\n{SAME}')
    finally:
        moved.rename(graded[0])
    assert (code, board["title"]) == (0, "Again")
    assert board["points_rule"] == "Points: 4 for correct claims in PARAMETERS."
    points = {row["submission"]: row["points"] and row["points"]["earned"] for row in board["rows"]}
    assert (points["claims_right_torch"], points["no_padding_torch"], points["LeNet-5 (PyTorch)"]) == (4, 0, None)
    with Store(graded[1]) as store:
        assert report(store).rows == graded[2].rows  # without a file, the stored assignment still holds


@pytest.mark.frameworks
def test_report_refuses_a_file_that_asks_for_more_than_points(graded, file, capsys):
    code, _ = reported(graded[1], file, SAME.replace("seeds = 2", "seeds = 3") + "[assignment]\nmax_parameters = 5\n")
    assert code == 2
    told = capsys.readouterr().err
    assert "max_parameters: graded None, now 5; [budget] seeds: graded 2, now 3" in told
    assert "harness grade" in told


@pytest.mark.frameworks
def test_report_takes_the_preset_that_grade_was_given(tmp_path, graded, file):
    code, _ = reported(graded[1], file, SAME, "--budget", "quick")
    assert code == 2  # it was graded with two seeds


@pytest.mark.frameworks
def test_a_board_from_before_points_can_still_be_read(graded, tmp_path):
    old = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(graded[1])) as database:
        database.execute("VACUUM INTO ?", (str(old),))
    with closing(sqlite3.connect(old)) as database:
        (text,) = database.execute("SELECT content FROM boards ORDER BY id DESC LIMIT 1").fetchone()
        content = json.loads(text)
        del content["assignment"]["points"]
        for entry in content["entries"]:
            del entry["verdict"]["claims"]
        database.execute("INSERT INTO boards (content, created) VALUES (?, '')", (json.dumps(content),))
        database.commit()
    with Store(old) as store:
        board = report(store)
    assert board.points_rule == "" and all(row.points is None and row.claims == () for row in board.rows)
    assert [row.accuracy for row in board.rows] == [row.accuracy for row in graded[2].rows]
