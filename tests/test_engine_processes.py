"""The compiled engine in processes of its own: what they import, that every way to isolate one gives the same run, and
that the frameworks confirm it. Real jobs, on real images."""

import importlib.util
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from harness.datasets import mnist
from harness.experiments.pipeline import GradeRequest, grade
from harness.experiments.proofs import classify, prove
from harness.experiments.training import Run, share_data, train_one
from harness.jobs.limits import MIB, Isolation
from harness.records.board import Status
from harness.records.engine import Engine
from harness.records.framework import Framework
from harness.records.inputs import INPUT_FORMS
from harness.records.run import RunStatus
from harness.sandbox.launcher import Zygote
from harness.sandbox.portable import PlainProcess
from harness.storage.store import Store
from harness.tasks.assignment import Assignment, Budget

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(not importlib.util.find_spec("harness.engine.trainee"), reason="there is no engine yet"),
]
BEHAVIOURS = Path(__file__).parent / "submissions"
ASSIGNMENT = Assignment(budget=Budget(epochs=1, seeds=1, batch_size=32, train_images=1_000, validation_images=200))
MODELS = ["lenet5_torch", "batchnorm_dropout_torch", "average_pooling_keras", "batchnorm_dropout_keras"]
MOST_MEMORY = 60 * MIB
"""Besides the pages of libraries, which all processes share."""


@pytest.fixture(scope="module")
def engine():
    with Zygote(Engine.COMPILED) as zygote:
        zygote.start()
        yield zygote


@pytest.fixture(scope="module")
def data():
    shared = share_data(mnist.load(), ASSIGNMENT.budget)
    yield shared
    shared.close()


@pytest.fixture
def work(examine_behaviour):
    """A run of seed 0 and its artifact."""

    def of(name):
        found = examine_behaviour(name, one_build=True)
        assert found.verdict.uncovered == ""
        shape = next(shape for shape, form in INPUT_FORMS.items() if form == found.verdict.input_form)
        run = Run(name, 0, found.artifact.framework, shape, found.verdict.output_kind, 0, engine=Engine.COMPILED)
        return run, found.artifact.of_seed(0)

    return of


def trained(work, name, zygote, data):
    run, artifact = work(name)
    return train_one(run, artifact, zygote, data, ASSIGNMENT, keep_weights=True)


def status_of(zygote):
    lines = Path(f"/proc/{zygote._process.pid}/status").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines)


def test_process_of_the_engine_imports_no_framework_and_is_small(engine):
    assert engine.is_warm
    mapped = Path(f"/proc/{engine._process.pid}/maps").read_text()
    assert "llvmlite" in mapped and "numpy" in mapped
    assert not any(name in mapped for name in ("/torch/", "tensorflow", "keras"))
    assert int(status_of(engine)["RssAnon"].split()[0]) * 1024 < MOST_MEMORY


@pytest.mark.parametrize("name", MODELS)
def test_a_run_says_what_trained_it_and_the_framework_confirms_it(work, engine, data, zygotes, name):
    run, artifact = work(name)
    own = zygotes.get(run.framework)
    proof = prove("key", run, artifact, own, data, ASSIGNMENT)
    assert proof.reason == "" and proof.facts["gradients"] < 1e-4, proof
    result = trained(work, name, engine, data)
    assert result.status is RunStatus.DONE, result.reason
    assert {"engine", "isa", "lanes", "llvmlite", "cpu", "numpy"} <= result.environment.keys()
    assert result.environment["engine"] == "compiled" and result.environment["lanes"] in (4, 8, 16)
    assert result.weights and len(result.curve.validation_accuracy) == 1
    compared = classify(run, artifact, result, own, data, ASSIGNMENT)
    assert compared.reason == "" and compared.facts["differing"] <= 5


def test_wrong_weights_are_not_confirmed(work, engine, data, zygotes):
    run, artifact = work("lenet5_torch")
    result = replace(trained(work, "lenet5_torch", engine, data), weights=artifact.weights[0])
    compared = classify(run, artifact, result, zygotes.get(run.framework), data, ASSIGNMENT)
    assert "test images in another way" in compared.reason and compared.facts["differing"] > 1_000


def test_every_way_to_isolate_a_process_gives_the_same_run(work, engine, data, monkeypatch):
    found = [trained(work, "batchnorm_dropout_torch", zygote, data) for zygote in (engine, engine)]
    with Zygote(Engine.COMPILED, warm=False) as cold, Zygote(Engine.COMPILED, walls=False) as without:
        found += [trained(work, "batchnorm_dropout_torch", zygote, data) for zygote in (cold, without)]
    found.append(trained(work, "batchnorm_dropout_torch", PlainProcess(Engine.COMPILED), data))
    limits = "harness.experiments.training.Limits"
    from harness.jobs.limits import Limits

    monkeypatch.setattr(limits, lambda **asked: Limits(**asked, isolation=Isolation.NO_NAMESPACES))
    found.append(trained(work, "batchnorm_dropout_torch", engine, data))
    assert {result.status for result in found} == {RunStatus.DONE}
    assert len({(result.predictions, result.log_probabilities, result.weights) for result in found}) == 1


def test_a_model_that_is_not_covered_is_a_crash_of_its_run_and_of_no_other(engine, data, examine_behaviour):
    found = examine_behaviour("embedding_torch", one_build=True)
    assert found.verdict.uncovered
    run = Run("k", 0, Framework.TORCH, (1, 28, 28), found.verdict.output_kind, 0, engine=Engine.COMPILED)
    result = train_one(run, found.artifact.of_seed(0), engine, data, ASSIGNMENT)
    assert result.status is RunStatus.CRASHED and "NotCovered" in result.reason


def test_an_engine_that_cannot_be_imported_is_told_with_what_to_set(monkeypatch):
    from harness.records.errors import SandboxError

    with Zygote(Engine.COMPILED) as broken:
        broken._process.kill()
        with pytest.raises(SandboxError, match="compiled engine") as error:
            broken.start()
        assert 'engine = "framework"' in error.value.try_


def test_a_class_is_graded_by_the_engine_with_walls(tmp_path):
    for name in ("lenet5_torch", "batchnorm_dropout_keras", "embedding_torch"):
        (tmp_path / "class" / name).mkdir(parents=True)
        source = next((BEHAVIOURS / name).glob("*.py"))
        (tmp_path / "class" / name / source.name).write_bytes(source.read_bytes())
    from recorder import Recorder

    asked = replace(ASSIGNMENT, architecture="free", budget=replace(ASSIGNMENT.budget, seeds=2))
    with Store(tmp_path / "store.sqlite") as store:
        board = grade(GradeRequest(tmp_path / "class", asked, 2), store, Recorder())
    rows = {row.submission: row for row in board.rows}
    assert {
        name: str(rows[name].engine) for name in ("lenet5_torch", "batchnorm_dropout_keras", "embedding_torch")
    } == {
        "lenet5_torch": "compiled",
        "batchnorm_dropout_keras": "compiled",
        "embedding_torch": "framework",
    }
    assert {row.status for row in board.rows} == {Status.RANKED} and not any(row.distrust for row in board.rows)
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as database:
        proofs = [json.loads(text) for (text,) in database.execute("SELECT proof FROM proofs")]
    differing = [proof["differing"] for proof in proofs if "differing" in proof]
    assert differing and max(differing) <= 5 and all(proof["reason"] == "" for proof in proofs)
    assert board.environment["engine"] == "compiled, framework" and board.environment["isa"]
