"""What a grade does with the compiled engine: who trains, what is compared once, and what follows where the framework
does not confirm the engine. Jobs are answered immediately; nothing is trained."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from instant import Instant, copies_of, drawn, ended, trained
from recorder import Recorder

from harness.experiments import pipeline
from harness.experiments.executors import Zygotes
from harness.experiments.pipeline import GradeRequest, grade, report
from harness.handins.discover import take_in
from harness.jobs import frames, wire
from harness.jobs.ending import answered, crashed
from harness.jobs.prove import CLASSIFY, PROVE, ClassifyAnswer, ClassifyRequest, ProveAnswer
from harness.jobs.train import TRAIN, TrainRequest
from harness.records.board import Status
from harness.records.engine import Engine
from harness.records.framework import Framework
from harness.storage.store import Store
from harness.tasks.assignment import Assignment, Budget

pytestmark = pytest.mark.frameworks
BEHAVIOURS = Path(__file__).parent / "submissions"
ASSIGNMENT = Assignment(budget=Budget(epochs=1, seeds=2, train_images=320, validation_images=100))
COMPARING = "Comparing the engine with the frameworks"


class Answering(Zygotes):
    """Counts the jobs of each process, and answers some of them with what a test sets."""

    def __init__(self, instant):
        super().__init__()
        self.instant, self.done, self.answers = instant, [], {}

    def get(self, imported):
        return Counting(self, imported)

    def of(self, job):
        """The processes that did this job, in their order."""
        return [imported for name, imported in self.done if name == job]


class Counting:
    def __init__(self, zygotes, imported):
        self._zygotes, self._imported = zygotes, imported

    def run(self, job, shared=()):
        self._zygotes.done.append((job.name, self._imported))
        if job.name in self._zygotes.answers:
            return ended(self._zygotes.answers[job.name](job.request))
        return self._zygotes.instant.run(job, shared)

    def close(self):
        pass


@pytest.fixture(scope="module")
def recorded(zygotes):
    submission = take_in(BEHAVIOURS / "lenet5_torch", "model")
    return Instant.recorded(submission, zygotes.get(Framework.TORCH)), submission


@pytest.fixture
def jobs(recorded, monkeypatch):
    """Two submissions of one model that the engine covers, with weights of their own; no reference."""
    instant, submission = recorded
    answering = Answering(instant)
    monkeypatch.setattr(pipeline, "discover", lambda *_: copies_of(submission, 2))
    monkeypatch.setattr(pipeline, "is_installed", lambda _: False)
    monkeypatch.setattr(pipeline, "Zygotes", lambda **_: answering)
    monkeypatch.setattr("harness.experiments.examine.not_covered", lambda *_: "")
    return answering


def graded(tmp_path, engine="auto", **options):
    asked = replace(ASSIGNMENT, budget=replace(ASSIGNMENT.budget, engine=engine))
    progress = Recorder()
    with Store(tmp_path / "store.sqlite") as store:
        board = grade(GradeRequest(tmp_path, asked, 2, walls=False, **options), store, progress)
        assert report(store).rows == board.rows
    return board, progress.stages


def engines(board):
    return {row.engine for row in board.rows}


def differing(count):
    """The framework's answer that differs for so many test images."""

    def answer(request):
        found = drawn(wire.decode(ClassifyRequest, *frames.decode(request)).weights)
        found[:count] = (found[:count] + 1) % 10
        return answered(ClassifyAnswer(found.tobytes()))

    return answer


def test_engine_trains_after_one_comparison_for_the_model_and_the_framework_looks_at_each_seed_0(jobs, tmp_path):
    board, stages = graded(tmp_path)
    assert engines(board) == {Engine.COMPILED}
    assert {row.status for row in board.rows} == {Status.RANKED}
    assert (stages[COMPARING], stages["Training"]) == (1, 4)
    assert jobs.of(PROVE) == [Framework.TORCH]
    assert jobs.of(CLASSIFY) == [Framework.TORCH] * 2
    assert jobs.of(TRAIN) == [Engine.COMPILED] * 4
    assert not any(row.distrust for row in board.rows)
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as database:
        facts = [json.loads(text) for (text,) in database.execute("SELECT environment FROM runs")]
        proofs = [json.loads(text) for (text,) in database.execute("SELECT proof FROM proofs")]
    assert all(fact["engine"] == "compiled" and "llvmlite" in fact and "isa" in fact for fact in facts)
    assert sorted(proof.get("differing", -1) for proof in proofs) == [-1, 0, 0]


def test_nothing_is_done_again(jobs, tmp_path):
    graded(tmp_path)
    jobs.done.clear()
    board, stages = graded(tmp_path)
    assert (engines(board), stages, jobs.done) == ({Engine.COMPILED}, {}, [])


def test_more_seeds_are_trained_by_the_engine_without_another_comparison(jobs, tmp_path, monkeypatch):
    graded(tmp_path)
    jobs.done.clear()
    monkeypatch.setitem(globals(), "ASSIGNMENT", replace(ASSIGNMENT, budget=replace(ASSIGNMENT.budget, seeds=3)))
    board, stages = graded(tmp_path)
    assert stages["Training"] == 2 and engines(board) == {Engine.COMPILED}
    assert jobs.of(PROVE) == jobs.of(CLASSIFY) == []


def test_framework_trains_where_the_assignment_says_so(jobs, tmp_path):
    board, stages = graded(tmp_path, "framework")
    assert engines(board) == {Engine.FRAMEWORK} and COMPARING not in stages
    assert jobs.of(TRAIN) == [Framework.TORCH] * 4 and jobs.of(CLASSIFY) == []
    assert {row.trained_by for row in board.rows} == {"PyTorch"}


def test_framework_trains_what_is_not_covered(jobs, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.experiments.examine.not_covered", lambda *_: "ConvTranspose")
    board, stages = graded(tmp_path)
    assert engines(board) == {Engine.FRAMEWORK} and COMPARING not in stages
    assert not any(row.distrust for row in board.rows)


def test_nothing_trains_what_is_not_covered_where_only_the_engine_may(jobs, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.experiments.examine.not_covered", lambda *_: "ConvTranspose")
    board, _ = graded(tmp_path, "compiled")
    assert jobs.of(TRAIN) == []
    for row in board.rows:
        assert row.status is Status.ERRORED
        assert row.reason == "engine: this model cannot be trained by it: ConvTranspose"


def test_framework_trains_a_model_whose_gradients_differ_and_it_is_compared_once(jobs, tmp_path):
    jobs.answers[PROVE] = lambda _: answered(ProveAnswer(0.0, 2e-4, 0.0, "the gradient of t0: 2.0e-04"))
    board, stages = graded(tmp_path)
    assert engines(board) == {Engine.FRAMEWORK} and stages["Training"] == 4
    assert jobs.of(TRAIN) == [Framework.TORCH] * 4
    assert all("the gradient of t0: 2.0e-04" in row.distrust for row in board.rows)
    del jobs.answers[PROVE]
    jobs.done.clear()
    again, stages = graded(tmp_path)
    assert (again.rows, stages, jobs.done) == (board.rows, {}, [])


def test_comparison_that_was_not_possible_is_made_again_by_the_next_grade(jobs, tmp_path):
    jobs.answers[PROVE] = lambda _: crashed("LLVM ERROR: out of registers")
    board, _ = graded(tmp_path)
    assert engines(board) == {Engine.FRAMEWORK}
    assert all("LLVM ERROR: out of registers" in row.distrust for row in board.rows)
    board, stages = graded(tmp_path)
    assert stages == {"Checking": 2, COMPARING: 1} and jobs.of(PROVE) == [Framework.TORCH] * 2
    del jobs.answers[PROVE]
    board, stages = graded(tmp_path)
    assert engines(board) == {Engine.COMPILED} and stages["Training"] == 4


@pytest.mark.parametrize(("count", "engine"), [(5, Engine.COMPILED), (6, Engine.FRAMEWORK)])
def test_framework_trains_again_what_it_classifies_in_another_way(jobs, tmp_path, count, engine):
    jobs.answers[CLASSIFY] = differing(count)
    board, _ = graded(tmp_path)
    assert engines(board) == {engine} and {row.status for row in board.rows} == {Status.RANKED}
    told = engine is Engine.FRAMEWORK
    assert all(("classifies 6 test images in another way" in row.distrust) is told for row in board.rows)
    assert jobs.of(TRAIN).count(Framework.TORCH) == 4 * told
    jobs.done.clear()
    again, stages = graded(tmp_path)
    assert (again.rows, stages, jobs.done) == (board.rows, {}, [])


def test_only_the_model_that_differs_is_trained_again(jobs, tmp_path):
    firsts = []

    def of_one(request):
        weights = wire.decode(ClassifyRequest, *frames.decode(request)).weights
        firsts.append(weights) if not firsts else None
        return differing(6 if weights == firsts[0] else 0)(request)

    jobs.answers[CLASSIFY] = of_one
    board, _ = graded(tmp_path)
    assert sorted(str(row.engine) for row in board.rows) == ["compiled", "framework"]
    assert jobs.of(TRAIN).count(Framework.TORCH) == 2


def test_answer_of_another_size_or_none_confirms_nothing(jobs, tmp_path):
    for answer in (lambda _: answered(ClassifyAnswer(b"\1" * 9)), lambda _: crashed("no memory")):
        jobs.answers[CLASSIFY] = answer
        board, _ = graded(tmp_path)
        assert engines(board) == {Engine.FRAMEWORK}
    del jobs.answers[CLASSIFY]
    board, stages = graded(tmp_path)
    assert engines(board) == {Engine.COMPILED} and stages["Training"] == 2


@pytest.mark.parametrize("seeds", [{0}, {1}, {0, 1}])
def test_framework_trains_where_the_engine_crashes_and_the_next_grade_tries_it_again(jobs, tmp_path, seeds):
    def crashing(request):
        asked = wire.decode(TrainRequest, *frames.decode(request))
        if asked.engine is Engine.COMPILED and asked.seed in seeds:
            return crashed("LLVM ERROR: out of registers")
        return answered(trained(request))

    jobs.answers[TRAIN] = crashing
    board, _ = graded(tmp_path)
    assert engines(board) == {Engine.FRAMEWORK} and {row.status for row in board.rows} == {Status.RANKED}
    assert all("could not train it (LLVM ERROR: out of registers)" in row.distrust for row in board.rows)
    del jobs.answers[TRAIN]
    board, stages = graded(tmp_path)
    assert engines(board) == {Engine.COMPILED} and stages["Training"] == 2 * len(seeds)


def test_only_the_engine_may_train_means_an_errored_row_where_it_is_not_confirmed(jobs, tmp_path):
    jobs.answers[CLASSIFY] = differing(600)
    board, _ = graded(tmp_path, "compiled")
    assert {row.status for row in board.rows} == {Status.ERRORED}
    assert all("classifies 600 test images in another way" in row.reason for row in board.rows)
    assert Framework.TORCH not in jobs.of(TRAIN)


def test_force_compares_again_even_what_had_failed(jobs, tmp_path):
    jobs.answers[PROVE] = lambda _: answered(ProveAnswer(1.0, 0.0, 0.0, "the loss of a batch: 1.0e+00"))
    graded(tmp_path)
    del jobs.answers[PROVE]
    board, stages = graded(tmp_path, force=True)
    assert engines(board) == {Engine.COMPILED} and stages[COMPARING] == 1 and stages["Training"] == 4
    jobs.answers[CLASSIFY] = differing(6)
    board, stages = graded(tmp_path, force=True)
    assert engines(board) == {Engine.FRAMEWORK}


def test_weights_leave_the_trainer_of_seed_0_alone(jobs, tmp_path):
    kept = []

    def recorded_training(request):
        asked = wire.decode(TrainRequest, *frames.decode(request))
        kept.append((asked.seed, asked.keep_weights))
        return answered(trained(request))

    jobs.answers[TRAIN] = recorded_training
    graded(tmp_path)
    assert sorted(kept) == [(0, True), (0, True), (1, False), (1, False)]


def test_models_are_saved_as_the_engine_trained_them(jobs, tmp_path):
    graded(tmp_path, models=tmp_path / "models")
    assert len(list((tmp_path / "models").glob("*/*"))) >= 4


def test_cross_check_trains_seed_0_by_the_framework_too_and_shows_it(jobs, tmp_path):
    plain, _ = graded(tmp_path)
    assert all(row.cross_accuracy is None for row in plain.rows)
    board, stages = graded(tmp_path, cross_check=True)
    assert stages == {"Checking": 2, "Training": 2} and jobs.of(TRAIN).count(Framework.TORCH) == 2
    for row in board.rows:
        assert (row.engine, row.cross_accuracy) == (Engine.COMPILED, row.runs[0].accuracy)
        assert len(row.runs) == 2
    jobs.done.clear()
    board, stages = graded(tmp_path, cross_check=True)
    assert stages == {} and all(row.cross_accuracy for row in board.rows)


def test_cross_check_saves_no_other_models_and_repeats_nothing(jobs, tmp_path):
    models = tmp_path / "models"
    graded(tmp_path, models=models)
    before = {path: path.read_bytes() for path in models.rglob("*") if path.is_file()}
    graded(tmp_path, models=models, cross_check=True)
    assert {path: path.read_bytes() for path in models.rglob("*") if path.is_file()} == before
    assert graded(tmp_path, models=models, cross_check=True)[1] == {}


def test_board_of_before_the_engine_is_shown_and_trained_again_with_a_notice(jobs, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("harness.experiments.training.TRAINING_VERSION", 4)
        patch.setattr("harness.experiments.pipeline.TRAINING_VERSION", 4)
        old, _ = graded(tmp_path, "framework")
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as database:
        (content,) = database.execute("SELECT content FROM boards").fetchone()
        content = json.loads(content)
        del content["assignment"]["budget"]["engine"]
        for entry in content["entries"]:
            del entry["distrust"], entry["cross_key"], entry["verdict"]["uncovered"]
        database.execute("UPDATE boards SET content = ?", (json.dumps(content),))
        database.execute('UPDATE runs SET environment = \'{"cpu": "x"}\'')
        database.execute("DROP TABLE proofs")
        database.execute("PRAGMA user_version = 5")
        database.commit()
    with Store(tmp_path / "store.sqlite") as store:
        shown = report(store)
        assert shown.budget_hash == old.budget_hash and {row.engine for row in shown.rows} == {None}
        assert [row.accuracy for row in shown.rows] == [row.accuracy for row in old.rows]
        progress = Recorder()
        grade(GradeRequest(tmp_path, ASSIGNMENT, 2, walls=False), store, progress)
    assert progress.told == ["4 stored runs are from an earlier version of the harness and are trained again"]
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (8,)
