"""Cheating by data, found and named in both frameworks, on real MNIST; ordinary models have no finding."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from recorder import Recorder

from harness.datasets import catalogue
from harness.datasets.idx import DatasetTests
from harness.experiments.pipeline import GradeRequest, grade
from harness.records.board import Status
from harness.records.check import Outcome
from harness.records.checks import Findings
from harness.scoring.findings import under_policy
from harness.storage.store import Store
from harness.tasks.assignment import Assignment, Budget, SafetyLimits

pytestmark = pytest.mark.frameworks
BEHAVIOURS = Path(__file__).parent / "submissions"
FRAMEWORKS = pytest.mark.parametrize("framework", ["torch", "keras"])
LENIENT = Findings(**dict.fromkeys(Findings.__dataclass_fields__, "flag"))
FREE = Assignment(
    architecture="free",
    budget=Budget(epochs=1, seeds=2, batch_size=32, train_images=500, validation_images=500),
    limits=SafetyLimits(build_seconds=20, memory_mib=1024),
)
CHEATS = "pretrained same_weights unrepeatable unmoved batch_mean batch_statistics batch_softmax".split()
ORDINARY = "batchnorm_dropout softmax_inside embedding".split()


def board(folder, store_path, policy):
    progress = Recorder()
    with Store(store_path) as store:
        found = grade(GradeRequest(folder, replace(FREE, findings=policy), 2), store, progress)
    return {row.submission: row for row in found.rows}, progress.stages


@pytest.fixture(scope="module", autouse=True)
def few_test_images():
    """Cheating shows on the first thousand images as on all ten."""
    whole = catalogue.load("mnist")
    few = replace(whole, test_images=whole.test_images[:1000], test_labels=whole.test_labels[:1000])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "load", {"mnist": few}.get)
        patch.setattr(catalogue, "load_tests", {"mnist": DatasetTests("MNIST", few.test_images, few.test_labels)}.get)
        yield


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("cheating")
    folder, store = tmp_path / "submissions", tmp_path / "store.sqlite"
    for name in (*CHEATS, *ORDINARY):
        for framework in ("torch", "keras"):
            shutil.copytree(BEHAVIOURS / f"{name}_{framework}", folder / f"{name}_{framework}")
    return folder, store, *board(folder, store, Findings())


def findings(row):
    return {check.name: check for check in row.findings}


@FRAMEWORKS
def test_trained_weights_in_the_source_fail_as_pretrained(graded, framework):
    row = graded[2][f"pretrained_{framework}"]
    assert (BEHAVIOURS / f"pretrained_{framework}" / "model.py").stat().st_size < 10_000
    assert findings(row).keys() == {"pretrained", "same_weights"}
    assert (row.status, row.place_low, row.accuracy) == (Status.FAILED, None, None)
    assert float(findings(row)["pretrained"].brief.removesuffix(" %")) > 85
    assert row.reason.startswith("pretrained: 9")
    assert "1,970 numbers" in findings(row)["same_weights"].found


@pytest.fixture(scope="module")
def graded_on_all_held_out_images(tmp_path_factory):
    """Values inside of a model are only looked at where there are enough images."""
    tmp_path = tmp_path_factory.mktemp("inside")
    for framework in ("torch", "keras"):
        name = f"pretrained_features_{framework}"
        shutil.copytree(BEHAVIOURS / name, tmp_path / "submissions" / name)
    many = replace(FREE, budget=replace(FREE.budget, validation_images=5_000))
    with Store(tmp_path / "store.sqlite") as store:
        found = grade(GradeRequest(tmp_path / "submissions", many, 2), store, Recorder())
    return {row.submission: row for row in found.rows}


@FRAMEWORKS
def test_trained_features_under_a_new_last_layer_fail_as_pretrained(graded_on_all_held_out_images, framework):
    row = graded_on_all_held_out_images[f"pretrained_features_{framework}"]
    assert (row.status, row.place_low, findings(row).keys()) == (Status.FAILED, None, {"pretrained", "same_weights"})
    check = findings(row)["pretrained"]
    assert check.brief.endswith(" % inside") and float(check.brief.split()[0]) > 90
    assert "values inside of the untrained model" in check.found


def test_the_values_inside_of_the_references_are_no_finding(graded_on_all_held_out_images):
    references = [row for row in graded_on_all_held_out_images.values() if row.is_reference]
    assert [row.findings for row in references] == [(), ()]


@FRAMEWORKS
def test_a_seed_set_in_the_file_is_flagged_and_keeps_its_place(graded, framework):
    row = graded[2][f"same_weights_{framework}"]
    assert (row.status, findings(row).keys()) == (Status.RANKED, {"same_weights"})
    check = findings(row)["same_weights"]
    assert (check.outcome, check.brief) == (Outcome.FLAGGED, "61,706 numbers")
    assert check.found == "seeds 0 and 1 start from the same 61,706 numbers"


@FRAMEWORKS
def test_weights_from_no_seed_are_flagged(graded, framework):
    row = graded[2][f"unrepeatable_{framework}"]
    assert (row.status, findings(row).keys()) == (Status.RANKED, {"unrepeatable"})
    # Keras starts its 236 biases from zero: those are repeated
    numbers = {"torch": "61,706 of 61,706 numbers", "keras": "61,470 of 61,706 numbers"}
    assert numbers[framework] in findings(row)["unrepeatable"].found


@FRAMEWORKS
def test_weights_that_no_gradient_reaches_are_flagged_under_the_students_name(graded, framework):
    row = graded[2][f"unmoved_{framework}"]
    assert (row.status, findings(row).keys()) == (Status.RANKED, {"unmoved"})
    assert "conv1 (156)" in findings(row)["unmoved"].found
    assert ".detach()" in findings(row)["unmoved"].try_ or "stop_gradient" in findings(row)["unmoved"].try_


@FRAMEWORKS
@pytest.mark.parametrize("behaviour", ["batch_mean", "batch_statistics", "batch_softmax"])
def test_answers_that_need_the_rest_of_the_batch_fail(graded, behaviour, framework):
    row = graded[2][f"{behaviour}_{framework}"]
    assert (row.status, row.accuracy, row.seeds_done) == (Status.FAILED, None, 0)
    assert findings(row).keys() == {"batch_dependent"}
    check = findings(row)["batch_dependent"]
    assert check.found.endswith("computes an image's answer from other images of the batch")
    assert check.brief in {"ReduceMean", "BatchNormalization", "Softmax"}


@FRAMEWORKS
@pytest.mark.parametrize("behaviour", ORDINARY)
def test_an_ordinary_model_has_no_finding(graded, behaviour, framework):
    row = graded[2][f"{behaviour}_{framework}"]
    assert (row.findings, row.status) == ((), Status.RANKED)


def test_the_references_have_no_finding(graded):
    references = [row for row in graded[2].values() if row.is_reference]
    assert len(references) == 2
    assert [row.findings for row in references] == [(), ()]


def test_another_policy_scores_again_with_no_build_and_no_training(graded):
    folder, store, before, stages = graded
    assert stages["Training"] > 0
    lenient, stages = board(folder, store, replace(LENIENT, batch_dependent="fail"))
    assert stages == {}
    row = lenient["pretrained_torch"]
    assert (row.status, before["pretrained_torch"].status) == (Status.RANKED, Status.FAILED)
    assert row.place_low == 1
    strict, stages = board(folder, store, replace(LENIENT, same_weights="fail", batch_dependent="fail"))
    assert stages == {}
    assert strict["same_weights_keras"].reason == "same_weights: seeds 0 and 1 start from the same 61,706 numbers"
    assert strict["same_weights_keras"].place_low is None


def test_what_failed_before_training_is_trained_under_a_policy_that_lets_it_pass(graded):
    """And then the trainers see what the graph proved: one finding, and their numbers."""
    folder, store, _, _ = graded
    lenient, stages = board(folder, store, LENIENT)
    assert stages == {"Checking": 6, "Training": 12}
    for behaviour in ("batch_mean", "batch_statistics", "batch_softmax"):
        for framework in ("torch", "keras"):
            row = lenient[f"{behaviour}_{framework}"]
            assert row.status is Status.RANKED
            assert [check.name for check in row.findings] == ["batch_dependent"]


@FRAMEWORKS
@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("literals", "490 numbers held in a constant"),
        ("integer_table", "490 numbers held in a buffer"),
        ("scalars", "written into the forward pass"),
    ],
)
def test_numbers_beside_the_parameters_of_an_own_design_are_found(examine_behaviour, behaviour, words, framework):
    examined = examine_behaviour(f"{behaviour}_{framework}", FREE, one_build=behaviour != "literals").verdict
    for verdict, outcome in ((examined, Outcome.FAILED), (under_policy(examined, LENIENT), Outcome.PASSED)):
        (check,) = (check for check in verdict.checks if check.brief)
        assert (check.name, verdict.outcome) == ("hidden", outcome)
        assert words in check.found


@FRAMEWORKS
def test_a_model_that_overwrites_its_weights_in_training_is_not_graded(examine_behaviour, framework):
    verdict = examine_behaviour(f"training_only_{framework}", FREE, one_build=True).verdict
    (check,) = verdict.checks
    assert (check.name, verdict.outcome) == ("operators", Outcome.ERRORED)
    assert check.found == "a model that writes to its own tensors is not supported yet"


@FRAMEWORKS
def test_the_table_of_an_embedding_is_counted_as_parameters(examine_behaviour, framework):
    verdict = examine_behaviour(f"embedding_{framework}", FREE).verdict
    assert verdict.outcome is Outcome.PASSED
    assert verdict.parameters == 256 * 8 + 393 * 10
    (row,) = (layer for layer in verdict.layers if layer.kind == "embedding")
    assert (row.parameters, row.constants, row.label) == (2048, 0, "table")


@FRAMEWORKS
def test_one_layer_that_never_depends_on_the_seed_is_named(examine_behaviour, framework):
    verdict = examine_behaviour(f"partly_same_weights_{framework}").verdict
    (check,) = (check for check in verdict.checks if check.brief)
    assert (check.name, check.outcome, check.brief) == ("same_weights", Outcome.FLAGGED, "150 numbers")
    assert "the same 150 of 61,706 numbers: " in check.found


@FRAMEWORKS
def test_check_says_which_weights_depend_on_the_seed(examine_behaviour, framework):
    checks = {check.name: check for check in examine_behaviour(f"lenet5_{framework}").verdict.checks}
    for name in ("hidden", "same_weights", "unrepeatable"):
        assert (checks[name].outcome, checks[name].brief) == (Outcome.PASSED, "")
