"""Published models: counts, recipes, the rule of agreement, and the whole way from a folder to reports."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorder import Recorder

from harness.cli import cli
from harness.cli.group import _guarded
from harness.experiments.reproduce import ROOT, ReproduceRequest, reproduce
from harness.records.board import Row, Status
from harness.records.check import Outcome
from harness.records.errors import UsageError
from harness.records.framework import Framework
from harness.reports.published import published_table, remarks, render_published, summary
from harness.reports.terminal import make_console
from harness.scoring.agreement import Agreement, Reproduction, Reproductions
from harness.storage.store import Store
from harness.tasks.published import FOLDERS, Figures, Published, chosen, read_figures, read_published

HERE = Path(__file__).parent / "published"
PUBLISHED = {
    "fashion-sigmoid": (0.7773, 0.5788, 44_426),
    "relu-lenet5": (0.9888, None, 61_706),
    "sigmoid-conv120": (0.9840, 0.0457, 61_706),
    "tanh-sgd": (0.9804, 0.0617, 44_426),
    "tanh-unpadded": (0.9871, 0.0504, 44_426),
    "wide-cnn": (0.9922, 0.0228, 3_274_634),
}
RECIPES = {
    "fashion-sigmoid": ("sgd", 0.9, 32, 5, 60_000, "none"),
    "relu-lenet5": ("adam", 1e-3, 200, 10, 60_000, "unit"),
    "sigmoid-conv120": ("adam", 1e-3, 32, 10, 60_000, "unit"),
    "tanh-sgd": ("sgd", 0.01, 128, 30, 60_000, "none"),
    "tanh-unpadded": ("adam", 1e-3, 64, 20, 48_000, "unit"),
    "wide-cnn": ("adam", 1e-4, 64, 10, 60_000, "unit"),
}


@pytest.fixture(scope="module")
def models() -> dict[str, Published]:
    return {model.name: model for model in read_published(ROOT)}


def test_the_six_models_have_the_figures_of_their_authors(models):
    assert {name: (m.figures.accuracy, m.figures.loss) for name, m in models.items()} == {
        name: figures[:2] for name, figures in PUBLISHED.items()
    }


def test_the_recipes_are_those_of_their_authors(models):
    budgets = {name: model.recipe.budget for name, model in models.items()}
    assert {
        name: (b.optimizer, b.learning_rate, b.batch_size, b.epochs, b.train_images, b.scaling)
        for name, b in budgets.items()
    } == RECIPES
    assert {(b.schedule, b.seeds, b.momentum) for b in budgets.values()} == {("constant", 3, 0.0)}
    assert models["fashion-sigmoid"].recipe.dataset == "fashion-mnist"
    assert budgets["tanh-unpadded"].validation_images == 12_000


@pytest.mark.frameworks
@pytest.mark.parametrize("folder", FOLDERS.values())
@pytest.mark.parametrize("name", PUBLISHED)
def test_each_count_comes_out_of_the_built_model(examine_behaviour, models, name, folder):
    verdict = examine_behaviour(models[name].folder / folder, models[name].recipe, one_build=True).verdict
    assert verdict.outcome is Outcome.PASSED
    assert verdict.parameters == PUBLISHED[name][2]
    assert models[name].figures.parameters in (None, verdict.parameters)
    assert verdict.output_kind == "probabilities"


def reproduction(accuracy: float, half: float, published: float, variance: float = 0.0) -> Reproduction:
    row = Row("m", Framework.TORCH, Status.RANKED, accuracy=accuracy)
    row = replace(row, accuracy_low=accuracy - half, accuracy_high=accuracy + half)
    model = Published("m", Path(), read_published(HERE)[0].recipe, Figures(published, differs={"torch": "too short"}))
    return Reproduction("m", model, Framework.TORCH, "a recipe", row, 0.05, variance)


@pytest.mark.parametrize(
    ("accuracy", "half", "published", "variance", "agreement"),
    [
        (0.9888, 0.002, 0.9888, 0.0, Agreement.REPRODUCED),
        (0.9888, 0.002, 0.9860, 0.0, Agreement.REPRODUCED),  # hypot(0.002, 0.0023) = 0.0030
        (0.9888, 0.002, 0.9850, 0.0, Agreement.DIFFERS),
        (0.9888, 0.002, 0.9850, 0.002**2, Agreement.REPRODUCED),  # runs that differ by as much as that
        (0.8526, 0.006, 0.7773, 0.0, Agreement.DIFFERS),
    ],
)
def test_rule_of_agreement(accuracy, half, published, variance, agreement):
    assert reproduction(accuracy, half, published, variance).agreement is agreement


@given(st.floats(0.6, 0.999), st.floats(0, 0.05), st.floats(0.6, 0.999))
def test_an_interval_with_the_published_figure_in_it_always_agrees(accuracy, half, published):
    found = reproduction(accuracy, half, published)
    if accuracy - half <= published <= accuracy + half:
        assert found.agreement is Agreement.REPRODUCED


def test_why_is_told_for_a_difference_alone():
    assert reproduction(0.98, 0.001, 0.98).why == ""
    assert reproduction(0.90, 0.001, 0.98).why == "too short"
    other = replace(reproduction(0.90, 0.001, 0.98), framework=Framework.TENSORFLOW)
    assert other.why == "not investigated yet"


def test_agreement_that_says_little_is_told():
    def told(half, published):
        return dict(remarks(Reproductions((reproduction(0.80, half, published),)))).get("m", "")

    assert "any figure from 0.6499 to 0.9501 would agree" in told(0.15, 0.95)
    assert told(0.001, 0.80) == ""
    assert told(0.15, 0.30) == "too short"


def test_what_was_not_trained_to_the_end_has_failed():
    found = reproduction(0.98, 0.001, 0.98)
    failed = replace(found, row=replace(found.row, status=Status.FAILED, accuracy=None, reason="seed 0 timed out"))
    assert (failed.agreement, failed.why) == (Agreement.FAILED, "seed 0 timed out")
    assert failed.difference is None
    picture = render_published(Reproductions((found, failed)))["pictures/published.svg"]
    assert picture.count('class="band"') == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "accuracy is missing"),
        ("acuracy = 0.98", "line 1: unknown acuracy (did you mean accuracy?)"),
        ("accuracy = 98.8", "line 1: accuracy must be more than 0 and less than 1, found 98.8"),
        ('accuracy = 0.98\nframework = "jax"', "line 2: framework must be keras or torch, found 'jax'"),
        ("accuracy = 0.98\ndecimals = 99", "line 2: decimals must be from 0 to 12, found 99"),
        ("accuracy = 0.98\n[differs]\nkers = 'x'", "line 3: unknown kers (did you mean keras?)"),
        ("accuracy = 0.98\ndiffers = 3", "line 2: [differs] must be a section"),
    ],
)
def test_problems_of_a_figures_file_are_told_with_their_lines(tmp_path, text, message):
    path = tmp_path / "published.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_figures(path)
    assert message in caught.value.found


def test_names_are_chosen_with_the_nearest_told(models):
    assert [model.name for model in chosen(list(models.values()), ["wide-cnn", "wide-cnn"])] == ["wide-cnn"]
    with pytest.raises(UsageError, match="did you mean tanh-sgd"):
        chosen(list(models.values()), ["tanh-sdg"])


def test_a_folder_without_models_is_refused(tmp_path):
    with pytest.raises(UsageError, match="published models in"):
        read_published(tmp_path)


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """The small published model in both frameworks, trained once, with every report that was told."""
    path, told, progress = tmp_path_factory.mktemp("published") / "store.sqlite", [], Recorder()
    request = ReproduceRequest((), 2, tuple(FOLDERS), root=HERE, command="harness reproduce")
    with Store(path) as store:
        found = reproduce(request, store, progress, told.append)
    return path, found, told, progress.stages


@pytest.mark.frameworks
def test_every_model_is_measured_in_both_frameworks(once):
    _, found, _, stages = once
    assert stages == {"Checking": 2, "Comparing the engine with the frameworks": 2, "Training": 8}
    assert [(row.name, row.row.seeds_done) for row in found.rows] == [("tiny (keras)", 4), ("tiny", 4)]
    for row in found.rows:
        assert 0.3 < row.row.accuracy < 0.98
        assert row.agreement is Agreement.DIFFERS
        assert 0.1 < row.loss < 3
        assert row.row.parameters == 44_426
        assert row.recipe.startswith("1 epoch of 2,000 MNIST images, batch size 50, adam with")


@pytest.mark.frameworks
def test_a_report_is_told_before_the_first_run_and_after_each_model(once):
    assert [len(board.rows) for board in once[2]] == [0, 1, 2]
    assert len(once[2][0].pending) == 2


@pytest.mark.frameworks
def test_nothing_is_trained_twice_and_others_are_shown_from_the_store(once):
    progress = Recorder()
    with Store(once[0]) as store:
        found = reproduce(ReproduceRequest(("tiny",), 2, root=HERE), store, progress, lambda _: None)
    assert progress.stages == {}
    assert [row.row.accuracy for row in found.rows] == [row.row.accuracy for row in once[1].rows]


@pytest.mark.frameworks
def test_a_run_without_its_loss_is_trained_again(once, tmp_path):
    copy, progress = tmp_path / "store.sqlite", Recorder()
    copy.write_bytes(once[0].read_bytes())
    with Store(copy) as store:
        store._database.execute("UPDATE runs SET test_loss = NULL")
        found = reproduce(ReproduceRequest(("tiny",), 2, root=HERE), store, progress, lambda _: None)
    assert progress.stages == {"Checking": 1, "Training": 4}
    assert found.rows[-1].loss == once[1].rows[-1].loss


@pytest.mark.frameworks
def test_reports_say_the_same_in_every_form(once):
    files = render_published(once[1])
    document = json.loads(files["published.json"])
    keras, torch = document["rows"]
    assert {"name", "published", "accuracy", "accuracy_low", "accuracy_high", "loss", "parameters", "verdict"} <= set(
        torch
    )
    assert (torch["name"], torch["published"], torch["verdict"]) == ("tiny", 0.9804, "differs")
    assert torch["reason"].startswith("one epoch of 2,000 images")
    assert torch["accuracy_low"] < torch["accuracy"] < torch["accuracy_high"]
    assert len(keras["seed_accuracies"]) == 4
    lines = list(csv.DictReader(io.StringIO(files["published.csv"])))
    assert [line["verdict"] for line in lines] == ["differs", "differs"]
    for name in ("published.md", "published.html"):
        assert "one epoch of 2,000 images" in files[name] and "used once" in files[name]
    assert files["pictures/published.svg"].count('class="band"') == 2
    console = make_console(io.StringIO())
    console.print(published_table(once[1]))
    assert "0 of 2 reproduced." in console.file.getvalue()


def test_nothing_known_yet_is_a_report_too():
    found = Reproductions((), ("wide-cnn",), sandboxed=False)
    assert summary(found) == "0 of 0 reproduced. Not finished yet: wide-cnn."
    files = render_published(found)
    assert json.loads(files["published.json"])["pending"] == ["wide-cnn"]
    assert "UNSANDBOXED" in files["published.md"] and "UNSANDBOXED" in files["published.html"]


@pytest.mark.frameworks
def test_the_command_writes_the_reports(once, tmp_path, capsys):
    options = ["--models", str(HERE), "--store", str(once[0]), "--reports", str(tmp_path), "--framework", "both"]
    assert _guarded(lambda: cli(["reproduce", "tiny", *options], standalone_mode=False)) == 0
    assert "published.md" in capsys.readouterr().out
    assert (tmp_path / "published.html").is_file() and (tmp_path / "pictures" / "published.svg").is_file()
    assert _guarded(lambda: cli(["reproduce", "tini", *options], standalone_mode=False)) == 2
    assert "did you mean tiny" in capsys.readouterr().err


@pytest.mark.frameworks
def test_cross_check_trains_seed_0_by_the_framework_too_and_shows_it_in_a_column(once, tmp_path):
    path, found, _, _ = once
    assert {each.row.trained_by for each in found.rows} == {"compiled"}
    before = next(text for name, text in render_published(found).items() if name.endswith(".md"))
    assert "trained by" in before and "seed 0 by framework" not in before
    shutil.copy(path, tmp_path / "store.sqlite")
    request, progress = ReproduceRequest((), 2, tuple(FOLDERS), root=HERE, cross_check=True), Recorder()
    with Store(tmp_path / "store.sqlite") as store:
        crossed = reproduce(request, store, progress, lambda _: None)
    assert progress.stages == {"Checking": 2, "Training": 2}
    for was, now in zip(found.rows, crossed.rows, strict=True):
        assert (now.row.accuracy, now.loss) == (was.row.accuracy, was.loss)
        assert now.row.cross_accuracy == pytest.approx(now.row.runs[0].accuracy, abs=0.1)
    after = next(text for name, text in render_published(crossed).items() if name.endswith(".md"))
    assert "seed 0 by framework" in after
