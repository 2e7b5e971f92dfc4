"""From a folder to a board on real MNIST, under a small budget: nothing twice, nothing lost, nothing stops the batch."""

import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from recorder import Recorder

from harness.datasets import mnist
from harness.experiments.pipeline import GradeRequest, grade, report
from harness.experiments.training import share_data
from harness.records.board import Status
from harness.records.errors import SandboxError, UsageError
from harness.reports.html import board_html
from harness.reports.machine import board_json
from harness.reports.markdown import board_markdown
from harness.reports.spreadsheet import board_csv
from harness.reports.terminal import board_table, make_console
from harness.sandbox import support
from harness.storage.store import Store
from harness.tasks.assignment import Assignment, Budget, SafetyLimits

pytestmark = pytest.mark.frameworks
BEHAVIOURS = Path(__file__).parent / "submissions"
BUDGET = Budget(epochs=1, seeds=2, batch_size=32, train_images=2_000, validation_images=500)
ASSIGNMENT = Assignment(budget=BUDGET, limits=SafetyLimits(build_seconds=6, memory_mib=1024))
LITTLE = replace(BUDGET, seeds=1, train_images=500)
PROVISIONAL = replace(ASSIGNMENT, budget=LITTLE)


def folder_of(tmp_path, *names):
    folder = tmp_path / "submissions"
    for name in names:
        source = name if isinstance(name, str) else name[0]
        target = name if isinstance(name, str) else name[1]
        shutil.copytree(BEHAVIOURS / source, folder / target)
    return folder


def run(folder, store_path, assignment=ASSIGNMENT, workers=2, **options):
    progress = Recorder()
    with Store(store_path) as store:
        board = grade(GradeRequest(folder, assignment, workers, **options), store, progress)
    return {row.submission: row for row in board.rows}, progress.stages, board


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """One board with a bit of everything."""
    tmp_path = tmp_path_factory.mktemp("graded")
    names = [
        "lenet5_torch",
        ("lenet5_torch", "twin"),
        "average_pooling_keras",
        "no_padding_torch",
        "sleeps_for_ever",
        "diverges",
    ]
    folder = folder_of(tmp_path, *names, "unsupported_operator")
    rows, stages, board = run(folder, tmp_path / "store.sqlite")
    return folder, tmp_path / "store.sqlite", rows, stages, board


def test_good_submissions_are_ranked_with_an_interval(graded):
    row = graded[2]["lenet5_torch"]
    assert row.status is Status.RANKED
    assert row.accuracy_low < row.accuracy < row.accuracy_high
    assert row.accuracy > 0.5
    assert row.seeds_done == row.seeds_asked == len(row.seed_accuracies) == len(row.curves) == 2
    assert all(len(curve.validation_accuracy) == 1 for curve in row.curves)


def test_one_bad_submission_never_stops_the_batch(graded):
    status = {name: row.status for name, row in graded[2].items()}
    assert status["no_padding_torch"] is status["sleeps_for_ever"] is status["diverges"] is Status.FAILED
    assert status["unsupported_operator"] is Status.ERRORED
    assert status["average_pooling_keras"] is Status.RANKED


def test_divergence_is_the_outcome_of_its_row(graded):
    row = graded[2]["diverges"]
    assert "diverged: the loss became" in row.reason
    assert row.checks[-1].name == "training"


def test_a_model_that_does_not_match_is_not_trained(graded):
    row = graded[2]["no_padding_torch"]
    assert (row.parameters, row.seeds_done, row.accuracy) == (44_426, 0, None)


def test_identical_models_are_trained_once_and_both_rows_say_so(graded):
    _, _, rows, stages, _ = graded
    assert rows["lenet5_torch"].same_as[:1] == ("twin",) or "twin" in rows["lenet5_torch"].same_as
    assert "lenet5_torch" in rows["twin"].same_as
    assert rows["twin"].accuracy == rows["lenet5_torch"].accuracy
    assert rows["twin"].place_low == rows["lenet5_torch"].place_low
    with closing(sqlite3.connect(graded[1])) as database:
        (stored,) = database.execute("SELECT count(*) FROM runs").fetchone()
    distinct = {row.fingerprint for row in rows.values() if row.status is Status.RANKED or row.submission == "diverges"}
    assert stages["Training"] == stored == 2 * len(distinct)


def test_reference_rows_stand_on_the_board_without_a_place(graded):
    references = [row for row in graded[4].rows if row.is_reference]
    assert [row.submission for row in references] and all(row.place_low is None for row in references)
    assert all(row.parameters == 61_706 and row.matches_reference for row in references)


def test_a_second_grade_trains_and_builds_nothing(graded):
    folder, store, rows, _, board = graded
    again, stages, second = run(folder, store)
    assert stages.keys() <= {"Checking"}
    assert stages.get("Checking", 0) <= 1  # what errored is looked at again
    assert {name: row.accuracy for name, row in again.items()} == {name: row.accuracy for name, row in rows.items()}
    assert second.budget_hash == board.budget_hash


def test_report_gives_the_same_board_from_the_store_alone(graded):
    with Store(graded[1]) as store:
        assert report(store).rows == graded[4].rows


def test_every_run_keeps_predictions_versions_and_processor(graded):
    with closing(sqlite3.connect(graded[1])) as database:
        for predictions, environment, seconds in database.execute(
            "SELECT predictions, environment, seconds FROM runs WHERE status = 'done'"
        ):
            assert len(predictions) == 10_000
            assert set(predictions) <= set(range(10))
            assert {"cpu", "python", "numpy"} <= json.loads(environment).keys()
            assert seconds > 0


def test_test_labels_are_not_in_what_trainers_share():
    data = mnist.load()
    shared = share_data(data, BUDGET)
    with os.fdopen(os.dup(shared.descriptor), "rb") as memory:
        memory.seek(0)
        content = memory.read()
    shared.close()
    assert data.test_images.tobytes() in content
    assert data.test_labels.tobytes() not in content
    assert data.train_labels[: BUDGET.train_images].tobytes() in content


def predictions(store):
    with closing(sqlite3.connect(store)) as database:
        return dict(database.execute("SELECT key, predictions FROM runs").fetchall())


def test_force_trains_again_bit_for_bit_with_one_worker_as_with_two(tmp_path, no_replay):
    folder, store = folder_of(tmp_path, "batchnorm_dropout_torch", "batchnorm_dropout_keras"), tmp_path / "store.sqlite"
    free = replace(ASSIGNMENT, architecture="free", budget=replace(BUDGET, seeds=1))
    run(folder, store, free, workers=2)
    two = predictions(store)
    no_replay()
    _, stages, _ = run(folder, store, free, workers=1, force=True)
    assert stages["Training"] == len(two) == 4
    assert predictions(store) == two


def test_more_seeds_train_only_the_new_ones(tmp_path):
    folder, store = folder_of(tmp_path, "lenet5_torch"), tmp_path / "store.sqlite"
    run(folder, store, PROVISIONAL)
    rows, stages, _ = run(folder, store, replace(PROVISIONAL, budget=replace(LITTLE, seeds=2)))
    assert rows["lenet5_torch"].seeds_done == 2
    assert stages["Training"] == 2  # seed 1 of the submission, which is the PyTorch reference, and of the Keras one


def test_one_seed_is_provisional(tmp_path):
    folder = folder_of(tmp_path, "lenet5_torch")
    rows, _, _ = run(folder, tmp_path / "store.sqlite", PROVISIONAL)
    assert rows["lenet5_torch"].status is Status.PROVISIONAL
    assert rows["lenet5_torch"].place_low is None


def test_a_run_that_takes_too_long_is_timed_out_and_the_others_go_on(tmp_path):
    folder = folder_of(tmp_path, "lenet5_torch")
    limits = SafetyLimits(train_seconds=0.2)
    rows, _, _ = run(folder, tmp_path / "store.sqlite", Assignment(budget=BUDGET, limits=limits))
    assert rows["lenet5_torch"].status is Status.FAILED
    assert "timed out: not done after 0.2 seconds" in rows["lenet5_torch"].reason


def test_a_run_that_met_a_limit_is_tried_again_under_another(tmp_path):
    folder, store = folder_of(tmp_path, "lenet5_torch"), tmp_path / "store.sqlite"
    budget = replace(BUDGET, engine="framework")
    hasty, patient = (Assignment(budget=budget, limits=SafetyLimits(train_seconds=s)) for s in (0.2, 600))
    run(folder, store, hasty)
    _, stages, _ = run(folder, store, hasty)
    assert "Training" not in stages
    rows, _, _ = run(folder, store, patient)
    assert rows["lenet5_torch"].status is Status.RANKED


def test_the_reference_is_judged_by_no_limit_of_the_class(tmp_path):
    folder = folder_of(tmp_path, "smaller_torch")
    assignment = replace(PROVISIONAL, architecture="free", max_parameters=10_000, own_design=("*",))
    rows, _, _ = run(folder, tmp_path / "store.sqlite", assignment)
    assert rows["smaller_torch"].status is rows["LeNet-5 (PyTorch)"].status is Status.PROVISIONAL
    assert rows["LeNet-5 (PyTorch)"].matches_reference


def test_a_run_that_needs_too_much_memory_is_out_of_memory(tmp_path):
    folder = tmp_path / "submissions" / "wide"
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(
        "from torch import nn\n"
        "def build_model():\n"
        "    return nn.Sequential(nn.Conv2d(1, 4000, 5, padding=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4000, 10))\n"
    )
    assignment = Assignment(architecture="free", budget=BUDGET, limits=SafetyLimits(memory_mib=1024, build_seconds=30))
    rows, _, _ = run(folder.parent, tmp_path / "store.sqlite", assignment)
    assert rows["wide"].status is Status.FAILED
    assert "out of memory: needs more than 1,024 MiB" in rows["wide"].reason
    assert rows["LeNet-5 (PyTorch)"].status is Status.RANKED


def test_only_grades_what_is_named(tmp_path):
    folder = folder_of(tmp_path, "lenet5_torch", "sleeps_for_ever")
    rows, _, _ = run(folder, tmp_path / "store.sqlite", only=("lenet*",))
    assert "sleeps_for_ever" not in rows
    rows, stages, _ = run(folder, tmp_path / "store.sqlite", only=("sleeps_for_ever",))
    assert rows["lenet5_torch"].status is Status.RANKED
    assert stages == {"Checking": 1}
    with pytest.raises(UsageError, match="nobody"):
        run(folder, tmp_path / "store.sqlite", only=("nobody",))


def test_kill_9_loses_only_the_runs_in_flight(tmp_path):
    folder, store = folder_of(tmp_path, "lenet5_torch", "average_pooling_torch"), tmp_path / "store.sqlite"
    (folder / "assignment.toml").write_text(
        "[budget]\nepochs = 1\nseeds = 4\ntrain_images = 1000\nvalidation_images = 500\n"
    )
    command = [sys.executable, "-m", "harness", "grade", str(folder), "--store", str(store), "--workers", "1"]
    command += ["--reports", str(tmp_path / "reports")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while len(stored(store)) < 3 and time.monotonic() < deadline:
            time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
    survived = stored(store)
    assert 3 <= len(survived) < 16
    from harness.tasks.assignment import load_assignment

    _, stages, _ = run(folder, store, load_assignment(folder / "assignment.toml"))
    assert stages["Training"] == len(stored(store)) - len(survived)
    assert survived.items() <= stored(store).items()


def stored(store):
    if not store.exists():
        return {}
    try:
        return predictions(store)
    except sqlite3.OperationalError:
        return {}


def test_a_board_made_without_walls_says_so_and_shares_nothing_with_one_made_behind_them(tmp_path):
    folder, store = folder_of(tmp_path, "lenet5_torch"), tmp_path / "store.sqlite"
    _, stages, open_board = run(folder, store, PROVISIONAL, walls=False)
    assert not open_board.sandboxed
    with Store(store) as opened:
        assert not report(opened).sandboxed
    for render in (board_html, board_markdown, lambda board: capture(board_table(board))):
        assert "UNSANDBOXED" in render(open_board)
    assert json.loads(board_json(open_board))["sandboxed"] is False
    assert board_csv(open_board).splitlines()[1].endswith(",false")
    _, again, locked_board = run(folder, store, PROVISIONAL)
    assert locked_board.sandboxed and again == stages
    assert "UNSANDBOXED" not in board_html(locked_board)


def test_grading_is_refused_where_the_walls_cannot_stand(tmp_path, monkeypatch):
    monkeypatch.setattr(support, "obstacle", lambda: "macOS")
    with pytest.raises(SandboxError, match="--isolation none"):
        run(folder_of(tmp_path, "lenet5_torch"), tmp_path / "store.sqlite")


def capture(renderable):
    stream = io.StringIO()
    make_console(stream).print(renderable)
    return stream.getvalue()
