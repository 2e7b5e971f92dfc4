"""Nothing that a submission does, or that happens to its results, stops the batch or affects another row."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from instant import Instant, copies_of
from recorder import Recorder

from harness.experiments import pipeline, stages
from harness.experiments.executors import Zygotes
from harness.experiments.pipeline import GradeRequest, grade, report
from harness.handins.discover import take_in
from harness.records.board import EARLIER_VERSION, Status
from harness.records.check import Outcome
from harness.records.framework import Framework
from harness.records.inputs import OUTPUTS, OUTPUTS_ADVICE
from harness.storage.store import Store
from harness.tasks.assignment import Assignment, Budget, SafetyLimits

pytestmark = pytest.mark.frameworks
BEHAVIOURS = Path(__file__).parent / "submissions"
BUDGET = Budget(epochs=1, seeds=1, batch_size=32, train_images=320, validation_images=100)
ASSIGNMENT = Assignment(budget=BUDGET, limits=SafetyLimits(build_seconds=8, memory_mib=1024))
GROWING = ["outputs_grow_torch", "outputs_grow_keras"]
DOUBLE = ["outputs_double_in_training_torch", "outputs_double_in_training_keras"]


def graded(folder, path, assignment=ASSIGNMENT, **options):
    progress = Recorder()
    with Store(path) as store:
        board = grade(GradeRequest(folder, assignment, 2, **options), store, progress)
    return {row.submission: row for row in board.rows}, progress.stages


def told(folder, path):
    """What a grade says beside its progress."""
    progress = Recorder()
    with Store(path) as store:
        grade(GradeRequest(folder, ASSIGNMENT, 2, walls=False), store, progress)
    return progress.told


@pytest.fixture(scope="module")
def growing(tmp_path_factory):
    """A class in which two models give more outputs for larger batches, and two match the reference in evaluation and
    give more outputs in training."""
    folder = tmp_path_factory.mktemp("growing")
    for name in (*GROWING, *DOUBLE, "lenet5_torch"):
        shutil.copytree(BEHAVIOURS / name, folder / "class" / name)
    return folder, graded(folder / "class", folder / "store.sqlite")[0]


@pytest.mark.parametrize("name", GROWING)
def test_outputs_that_grow_with_the_batch_are_never_trained(growing, name):
    row = growing[1][name]
    assert row.status is Status.ERRORED and row.accuracy is None and row.seeds_done == 0
    assert row.checks[-1].name == "operators"
    assert "batch" in row.reason or "number of images" in row.reason


@pytest.mark.parametrize("name", DOUBLE)
def test_outputs_of_another_shape_in_training_fail_and_say_why(growing, name):
    row = growing[1][name]
    assert row.matches_reference and row.status is Status.FAILED and row.accuracy is None
    check = row.checks[-1]
    assert (check.name, check.outcome, check.try_) == (OUTPUTS, Outcome.FAILED, OUTPUTS_ADVICE)
    assert "outputs: shape (" in row.reason and "20) for a batch of" in row.reason


def test_the_others_are_graded_and_the_board_can_be_made_again(growing):
    folder, rows = growing
    assert rows["lenet5_torch"].accuracy is not None
    with Store(folder / "store.sqlite") as store:
        assert {row.submission: row for row in report(store).rows} == rows
    again, stages_run = graded(folder / "class", folder / "store.sqlite", only=("lenet5_torch",))
    stored = {name: row for name, row in rows.items() if name not in GROWING}  # what errored is tried again
    assert again == stored and stages_run == {}


def test_what_was_decided_waits_on_no_disk(growing):
    folder = growing[0] / "store.sqlite.artifacts"
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.mark.parametrize("change", [
    "predictions = zeroblob(9999)",
    "predictions = x'ff'",
    "curve = 'x'",
    "status = 'eaten'",
    "environment = CAST(x'ff' AS TEXT)",
])  # fmt: skip
def test_a_damaged_run_costs_its_row_and_is_trained_again(growing, tmp_path, change):
    folder, rows = growing
    shutil.copy(folder / "store.sqlite", tmp_path / "store.sqlite")
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as database:
        database.execute(f"UPDATE runs SET {change} WHERE status = 'done'")
        database.commit()
    with Store(tmp_path / "store.sqlite") as store:
        board = {row.submission: row for row in report(store).rows}
    assert board["lenet5_torch"].status is Status.ERRORED
    assert board["lenet5_torch"].reason.startswith("grade again: the stored result is damaged")
    assert [board[name] for name in DOUBLE] == [rows[name] for name in DOUBLE]


class Answering(Zygotes):
    """Processes with the same launcher for every framework."""

    def __init__(self, launcher):
        super().__init__()
        self.launcher = launcher

    def get(self, framework):
        return self.launcher


@pytest.fixture(scope="module")
def instant(zygotes):
    submission = take_in(BEHAVIOURS / "lenet5_torch", "model")
    return Instant.recorded(submission, zygotes.get(Framework.TORCH)), submission


@pytest.fixture
def a_class(instant, monkeypatch):
    """Four submissions whose jobs are answered immediately; no reference."""
    launcher, submission = instant
    submissions = copies_of(submission, 4)
    monkeypatch.setattr(pipeline, "discover", lambda *_: submissions)
    monkeypatch.setattr(pipeline, "is_installed", lambda _: False)
    monkeypatch.setattr(pipeline, "Zygotes", lambda **_: Answering(launcher))
    return submissions


@pytest.mark.parametrize("error", [MemoryError(), IndexError("list index out of range"), RecursionError()])
def test_an_exception_is_one_rows_and_no_others(a_class, tmp_path, monkeypatch, error):
    real = stages.examine

    def raising(submission, *arguments, **options):
        if submission.name == "student_00002":
            raise error
        return real(submission, *arguments, **options)

    monkeypatch.setattr(stages, "examine", raising)
    rows, _ = graded(tmp_path, tmp_path / "store.sqlite", walls=False)
    row = rows.pop("student_00002")
    assert row.status is Status.ERRORED and type(error).__name__ in row.reason
    assert {row.status for row in rows.values()} == {Status.PROVISIONAL}


def test_a_trainer_that_breaks_costs_its_own_row(a_class, tmp_path, monkeypatch):
    def broken(work, *_, **__):
        raise MemoryError

    monkeypatch.setattr("harness.experiments.training._trained", broken)
    rows, _ = graded(tmp_path, tmp_path / "store.sqlite", walls=False)
    assert {row.reason for row in rows.values()} == {"training crashed: MemoryError: "}


def test_a_killed_grade_need_not_build_again_what_it_has(a_class, tmp_path, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stages, "train_one", killed)
        with pytest.raises(KeyboardInterrupt):
            graded(tmp_path, tmp_path / "store.sqlite", walls=False)
    waiting = tmp_path / "store.sqlite.artifacts"
    assert len(list(waiting.iterdir())) == 4
    graded(tmp_path, tmp_path / "store.sqlite", walls=False, only=("student_00003",))
    assert len(list(waiting.iterdir())) == 3
    rows, stages_run = graded(tmp_path, tmp_path / "store.sqlite", walls=False)
    assert stages_run == {"Training": 3}
    assert {row.status for row in rows.values()} == {Status.PROVISIONAL}
    assert list(waiting.iterdir()) == []


def test_runs_of_an_earlier_version_are_shown_as_such_and_trained_again_once(a_class, tmp_path, monkeypatch):
    path = tmp_path / "store.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr("harness.experiments.training.TRAINING_VERSION", 3)
        patch.setattr("harness.experiments.pipeline.TRAINING_VERSION", 3)
        assert told(tmp_path, path) == []
    with Store(path) as store:
        board = report(store)
    assert EARLIER_VERSION in board.notes and all(row.accuracy is not None for row in board.rows)
    again = "4 stored runs are from an earlier version of the harness and are trained again"
    assert [told(tmp_path, path), told(tmp_path, path)] == [[again], []]
    with Store(path) as store:
        assert EARLIER_VERSION not in report(store).notes


def test_a_board_of_a_version_that_did_not_say_which_is_of_an_earlier_one(a_class, tmp_path):
    path = tmp_path / "store.sqlite"
    told(tmp_path, path)
    with Store(path) as store:
        content = store.last_board()
        del content["training_version"]
        layer = content["entries"][0]["verdict"]["layers"][0]
        layer["window"]["same"] = True  # the first versions had it
        store.save_board(content)
        board = report(store)
    assert EARLIER_VERSION in board.notes
    assert {row.status for row in board.rows} == {Status.PROVISIONAL}


@pytest.mark.parametrize("content", [{}, {"entries": 7}, {"entries": [7, None, {"verdict": "x"}]}])
def test_a_board_that_cannot_be_read_stops_no_grade(a_class, tmp_path, content):
    with Store(tmp_path / "store.sqlite") as store:
        store.save_board(content)
    assert told(tmp_path, tmp_path / "store.sqlite") == []


def test_artifacts_of_an_earlier_version_are_built_again(a_class, tmp_path, monkeypatch):
    """They are graphs of a framework, and under other keys."""
    monkeypatch.setattr("harness.experiments.candidates.code_digest", lambda: "earlier")
    path = tmp_path / "store.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr(stages, "train_one", lambda *_, **__: pytest.fail("stopped"))
        with pytest.raises(pytest.fail.Exception):
            graded(tmp_path, path, walls=False)
    for graph in (tmp_path / "store.sqlite.artifacts").glob("*/graph.json"):
        graph.write_bytes(b'{"format": 1}')
    monkeypatch.setattr("harness.experiments.candidates.code_digest", lambda: "now")
    rows, _ = graded(tmp_path, path, walls=False)
    assert {row.status for row in rows.values()} == {Status.PROVISIONAL}


def test_an_artifact_that_is_gone_is_a_crash_of_its_row(a_class, tmp_path, monkeypatch):
    real = stages.work_to_do

    def lost(candidates, bench):
        works = real(candidates, bench)
        bench.shelf.drop(candidates[0].key)
        return works

    monkeypatch.setattr("harness.experiments.loop.work_to_do", lost)
    rows, _ = graded(tmp_path, tmp_path / "store.sqlite", walls=False)
    assert rows["student_00000"].status is Status.ERRORED
    assert {rows[f"student_0000{index}"].status for index in (1, 2, 3)} == {Status.PROVISIONAL}


def test_a_damaged_entry_of_a_board_costs_its_row(a_class, tmp_path):
    graded(tmp_path, tmp_path / "store.sqlite", walls=False)
    with Store(tmp_path / "store.sqlite") as store:
        content = store.last_board()
        content["entries"][1]["verdict"]["layers"] = "none"
        content["entries"][2] = 7
        content["entries"][3]["verdict"]["checks"][0] = {"name": "x", "outcome": "failed", "brief": "1"}
        store.save_board(content)
        rows = report(store).rows
    status = {row.submission: row.status for row in rows}
    assert status.pop("student_00000") is Status.PROVISIONAL
    assert len(rows) == 4 and set(status.values()) == {Status.ERRORED}


def test_a_board_of_which_nothing_can_be_read_says_what_to_do(a_class, tmp_path):
    graded(tmp_path, tmp_path / "store.sqlite", walls=False)
    with Store(tmp_path / "store.sqlite") as store:
        content = store.last_board()
        store.save_board({**content, "entries": [7] * 4})
        with pytest.raises(pipeline.StoreError, match="run `harness grade` again"):
            report(store)
