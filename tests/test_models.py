"""Trained models are kept as data, are those that the board tells of, and answer pictures; nothing of them is trusted."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from drawn_digits import STROKES, drawn, saved
from test_pipeline import Recorder, folder_of, predictions

from harness.artifact.audit import read_trained
from harness.artifact.weights import views
from harness.child.normalize import to_mnist
from harness.child.worker import import_backend
from harness.datasets import mnist
from harness.experiments.pipeline import GradeRequest, grade
from harness.experiments.prediction import _checked, predict_all
from harness.jobs.predict import Looked
from harness.jobs.train import Optimizer
from harness.jobs.trainee import Task
from harness.model.visible import Activation, Prediction, visible
from harness.records.artifact import Artifact
from harness.records.errors import ArtifactError, HarnessError, UsageError
from harness.records.framework import Framework
from harness.records.inputs import arrange
from harness.records.layer import Layer
from harness.reports.activations import activations_svg
from harness.reports.predicted import predictions_json
from harness.storage.models import Models, Trained, load_model
from harness.storage.store import Store
from harness.tasks.assignment import Assignment, Budget, SafetyLimits

frameworks = pytest.mark.frameworks
BUDGET = Budget(epochs=1, seeds=2, batch_size=32, train_images=6_000, validation_images=500)
ASSIGNMENT = Assignment(architecture="free", budget=BUDGET, limits=SafetyLimits(build_seconds=20, memory_mib=1024))
NAMES = ("lenet5_torch", "lenet5_keras", "input_32_torch", "batchnorm_dropout_keras")


def graded(folder, tmp_path, assignment=ASSIGNMENT, models="models", **options):
    progress = Recorder()
    kept = tmp_path / models if models else None
    with Store(tmp_path / "store.sqlite") as store:
        board = grade(GradeRequest(folder, assignment, 2, models=kept, **options), store, progress)
    return {row.submission: row for row in board.rows}, progress.stages


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Four models graded with --keep-models: the folder, the board's rows, what was done."""
    tmp_path = tmp_path_factory.mktemp("kept")
    folder = folder_of(tmp_path, *NAMES, ("lenet5_torch", "<b> Twin lenet5\n"))
    rows, stages = graded(folder, tmp_path)
    return tmp_path, rows, stages


def answers(model, images):
    """What the trainee of a kept model answers to images of MNIST, computed here."""
    backend = import_backend(model.card.framework)
    task = Task(
        model.artifact.graph, model.artifact.weights[0], model.output_kind, Optimizer("sgd", 0, 0, 0, 0, 1e-8), 0
    )
    return backend.load(task).predict(arrange(images, model.graph.input_shape)).argmax(axis=1).astype(np.uint8)


@frameworks
@pytest.mark.parametrize("name", NAMES)
def test_a_kept_model_gives_the_very_answers_that_the_board_tells_of(kept, name):
    tmp_path, rows, _ = kept
    stored = predictions(tmp_path / "store.sqlite")
    for seed in range(2):
        model = load_model(tmp_path / "models" / name / f"seed{seed}.safetensors")
        found = answers(model, mnist.load().test_images)
        assert found.tobytes() == stored[model.card.seeds[str(seed)].key]
        assert (found == mnist.load().test_labels).mean() == rows[name].runs[seed].accuracy


@frameworks
def test_names_are_safe_and_twins_have_each_their_own(kept):
    tmp_path, _, stages = kept
    places = sorted(path.name for path in (tmp_path / "models").iterdir())
    assert len(places) == len(NAMES) + 3 and all(place.replace("-", "").replace("_", "").isalnum() for place in places)
    cards = [json.loads((tmp_path / "models" / place / "model.json").read_text()) for place in places]
    twins = [card["seeds"] for card in cards if card["framework"] == "torch" and "lenet5" in card["submission"]]
    assert stages["Training"] == 2 * len({card["seeds"]["0"]["key"] for card in cards}) < 2 * len(cards)
    assert all(seeds["0"]["digest"] != seeds["1"]["digest"] for seeds in twins)
    files = {file.name for file in (tmp_path / "models" / "lenet5_torch").iterdir()}
    assert files == {"model.json", "graph.json", "labels.json", "seed0.safetensors", "seed1.safetensors"}


@frameworks
def test_what_is_kept_is_not_trained_again(kept):
    tmp_path, _, _ = kept
    _, stages = graded(tmp_path / "submissions", tmp_path)
    assert stages == {}


@frameworks
@pytest.mark.parametrize("name", ["lenet5_torch", "lenet5_keras"])
def test_runs_without_weights_are_repeated_bit_for_bit(tmp_path, name):
    assignment = replace(ASSIGNMENT, budget=replace(BUDGET, train_images=500))
    folder = folder_of(tmp_path, name)
    before, _ = graded(folder, tmp_path, assignment, models=None)
    stored = predictions(tmp_path / "store.sqlite")
    rows, stages = graded(folder, tmp_path, assignment)
    assert stages[f"Training ({len(stored)} again, for their weights)"] == len(stored)
    assert predictions(tmp_path / "store.sqlite") == stored
    assert [run.curve for run in rows[name].runs] == [run.curve for run in before[name].runs]
    (tmp_path / "models" / name / "seed1.safetensors").write_bytes(b"changed")
    _, stages = graded(folder, tmp_path, assignment)
    assert set(stages) & {"Training"} == set(), "the reference is the same model: its file is taken"
    assert load_model(tmp_path / "models" / name / "seed1.safetensors").seed == 1


@frameworks
def test_a_stored_result_is_not_lost_when_its_repeat_fails(tmp_path):
    folder = folder_of(tmp_path, "lenet5_torch")
    assignment = replace(ASSIGNMENT, budget=replace(BUDGET, train_images=500))
    before, _ = graded(folder, tmp_path, assignment, models=None)
    hasty = replace(assignment, limits=SafetyLimits(train_seconds=0.1, build_seconds=20))
    rows, stages = graded(folder, tmp_path, hasty)
    assert any("again" in title for title in stages) and not (tmp_path / "models" / "lenet5_torch").exists()
    assert rows["lenet5_torch"].accuracy == before["lenet5_torch"].accuracy


@frameworks
@pytest.mark.parametrize("name", NAMES)
def test_drawn_digits_are_recognized(kept, zygotes, name):
    tmp_path, _, _ = kept
    model = load_model(tmp_path / "models" / name)
    paths = []
    for digit in STROKES:
        paths.append(tmp_path / f"{digit}.png")
        paths[-1].write_bytes(saved(drawn(digit)))
    found = list(predict_all(model, paths, zygotes.get(model.card.framework), SafetyLimits()))
    assert all(sum(item.probabilities) == pytest.approx(1, abs=1e-3) for item in found)
    assert sum(item.guesses[0] == digit for digit, item in enumerate(found)) >= 8


@frameworks
def test_images_of_mnist_are_told_as_rightly_after_their_preparation(kept):
    model = load_model(kept[0] / "models" / "lenet5_torch")
    images, labels = mnist.load().test_images[::10], mnist.load().test_labels[::10]
    prepared = np.stack([to_mnist(image.astype(float)) for image in images])
    before, after = ((answers(model, some) == labels).mean() for some in (images, prepared))
    assert abs(after - before) <= 0.003


@frameworks
@pytest.mark.parametrize("name", NAMES)
def test_each_layer_is_shown_with_the_shape_that_the_graph_says(kept, zygotes, name):
    tmp_path, _, _ = kept
    model = load_model(tmp_path / "models" / name)
    picture = tmp_path / "three.png"
    picture.write_bytes(saved(drawn(3)))
    zygote = zygotes.get(model.card.framework)
    (found,) = predict_all(model, [picture], zygote, SafetyLimits(), activations=True)
    kinds = [activation.layer.kind for activation in found.activations]
    assert kinds.count("conv2d") == 2 and kinds[-1] == "dense" and "flatten" not in kinds
    shapes = [item.shape for item in visible(model.graph)]
    assert [activation.values.shape for activation in found.activations] == shapes
    outputs = found.activations[-1].values
    assert int(outputs.argmax()) == found.guesses[0]


@frameworks
def test_maps_are_channels_first_in_both_frameworks(kept, zygotes):
    """The first layer's maps are computed again here, from the weights as they were kept."""
    tmp_path, _, _ = kept
    picture = tmp_path / "seven.png"
    picture.write_bytes(saved(drawn(7)))
    for name, order in (("lenet5_torch", (0, 1, 2, 3)), ("lenet5_keras", (3, 2, 0, 1))):
        model = load_model(tmp_path / "models" / name)
        zygote = zygotes.get(model.card.framework)
        (found,) = predict_all(model, [picture], zygote, SafetyLimits(), activations=True)
        sizes = {tensor.name: tensor.shape for tensor in model.graph.tensors}
        raw = dict(views(model.artifact.weights[0]))
        kernel, bias = (
            next(
                np.frombuffer(raw[n], "<f4").reshape(sizes[n])
                for n in found.activations[0].layer.tensors
                if len(sizes[n]) == rank
            )
            for rank in (4, 1)
        )
        image = np.pad(np.frombuffer(found.digit, np.uint8).reshape(28, 28) / 255, 2)
        windows = np.lib.stride_tricks.sliding_window_view(image, (5, 5))
        maps = np.einsum("yxij,oij->oyx", windows, kernel.transpose(order)[:, 0]) + bias[:, None, None]
        shown = found.activations[0].values
        expected = np.maximum(maps, 0) if shown.min() >= 0 else np.tanh(maps) if abs(shown).max() <= 1 else maps
        assert np.abs(expected - shown).max() < 1e-3


@frameworks
def test_a_broken_picture_is_told_and_the_others_are_answered(kept, zygotes):
    tmp_path, _, _ = kept
    model = load_model(tmp_path / "models" / "lenet5_torch")
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes(saved(drawn(0)))
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
    paths = [bad, good, tmp_path / "none.png", *[good] * 20]
    found = list(predict_all(model, paths, zygotes.get(Framework.TORCH), SafetyLimits()))
    assert [bool(item.problem) for item in found[:4]] == [True, False, True, False] and len(found) == len(paths)
    assert found[2].problem[1] == "No such file or directory"
    assert len({item.probabilities for item in found if not item.problem}) == 1


def command(*arguments):
    line = [sys.executable, "-m", "harness", "predict", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


@frameworks
def test_the_command_prints_guesses_and_draws(kept, command_here):
    tmp_path, _, _ = kept
    predict_here = partial(command_here, "predict")
    picture, blank, model = tmp_path / "one.jpg", tmp_path / "blank.png", tmp_path / "models" / "lenet5_keras"
    picture.write_bytes(saved(drawn(1, paper=(240, 230, 200)), "JPEG"))
    blank.write_bytes(saved(drawn(1, ink=(9, 9, 9), paper=(9, 9, 9))))
    answer = command(model, picture, "--show", tmp_path / "one.svg")
    assert answer.returncode == 0 and "first guess" in answer.stdout and "1 (" in answer.stdout
    root = ElementTree.fromstring((tmp_path / "one.svg").read_text())
    titles = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any(title.endswith("convolution 5x5, padding 2 · 6x28x28") for title in titles)
    assert len(root.findall("{*}image")) == 2 + 6 + 6 + 16 + 16 + 3
    answer = predict_here(model / "seed1.safetensors", picture, blank, "--json")
    document = json.loads(answer.stdout)
    assert answer.returncode == 2 and document["seed"] == 1
    assert document["predictions"][0]["first"] == 1 and len(document["predictions"][0]["probabilities"]) == 10
    assert "nothing drawn" in document["predictions"][1]["problem"]["found"]
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pictures").symlink_to(tmp_path)
    assert predict_here(model, picture, "--show", tmp_path / "home" / "one.svg").returncode == 0
    (tmp_path / "home" / "two.svg").mkdir()
    assert predict_here(model, picture, "--show", tmp_path / "home" / "two.svg").returncode == 2
    answer = predict_here(model, picture, "--show", picture / "one.svg")
    assert answer.returncode == 3 and "--show" in answer.stderr and "store" not in answer.stderr
    assert predict_here(model, picture, "--show", tmp_path / "one.gif").returncode == 2
    assert predict_here(tmp_path / "nowhere", picture).returncode == 2


def copied(kept, tmp_path, name="lenet5_torch") -> Path:
    return shutil.copytree(kept[0] / "models" / name, tmp_path / "model")


def spoiled(path: Path, **changed) -> None:
    card = json.loads(path.read_text())
    path.write_text(json.dumps({**card, **changed}))


@frameworks
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.json", b"{}"),
        ("model.json", b"[" * 100_000),
        ("model.json", b"\xff" * (1 << 19)),
        ("graph.json", b"{}"),
        ("labels.json", b'{"t0": "other"}'),
        ("seed0.safetensors", b"\x80\x04cos\nsystem\n"),
    ],
)
def test_a_changed_file_is_refused(kept, tmp_path, file, content):
    place = copied(kept, tmp_path)
    (place / file).write_bytes(content)
    with pytest.raises(ArtifactError) as refused:
        load_model(place)
    assert "--keep-models" in refused.value.try_


@frameworks
@pytest.mark.parametrize(
    "changed",
    [
        {"framework": "os"},
        {"format": 3},
        {"divisor": 0},
        {"seeds": {"../../etc/passwd": {"key": "", "digest": ""}}},
        {"seeds": {"0": 1}},
        {"seeds": {}},
    ],
)
def test_a_forged_card_is_refused(kept, tmp_path, changed):
    place = copied(kept, tmp_path)
    spoiled(place / "model.json", **changed)
    with pytest.raises(HarnessError):
        load_model(place)


@frameworks
def test_a_model_is_audited_whatever_its_card_says(kept, tmp_path):
    """Whoever writes the files writes the digests too."""
    import hashlib

    place = copied(kept, tmp_path)
    graph = json.loads((place / "graph.json").read_text())
    graph["evaluation"]["nodes"][0][0] = "FromFile"
    (place / "graph.json").write_text(json.dumps(graph))
    spoiled(place / "model.json", graph=hashlib.sha256((place / "graph.json").read_bytes()).hexdigest())
    with pytest.raises(ArtifactError) as refused:
        load_model(place)
    assert "FromFile" in refused.value.found and "--keep-models" in refused.value.try_


@frameworks
def test_a_model_of_the_first_format_is_refused_and_grading_again_replaces_it(kept, tmp_path):
    """It had the framework's own graph."""
    place = copied(kept, tmp_path)
    kept_one = load_model(place)
    spoiled(place / "model.json", format=1)
    with pytest.raises(ArtifactError, match="format 1, which an earlier version of the harness wrote") as refused:
        load_model(place)
    assert refused.value.try_ == "grade again with --keep-models"
    trained = Trained("model", kept_one.artifact, 0, "key", kept_one.artifact.weights[0])
    Models(tmp_path, ["model"], ASSIGNMENT).keep(trained)
    assert load_model(place).seed == 0 and not (place / "seed1.safetensors").exists()


@frameworks
def test_trained_weights_are_audited_against_the_graph(kept):
    model = load_model(kept[0] / "models" / "lenet5_torch")
    blob = model.artifact.weights[0]
    for wrong in (blob[:-4], blob + b"\0", b"", blob.replace(b'"t0"', b'"t9"'), blob.replace(b"F32", b"F16", 1)):
        with pytest.raises(ArtifactError):
            read_trained(replace(model.artifact, weights=(wrong,)))
    with pytest.raises(ArtifactError) as refused:
        read_trained(replace(model.artifact, weights=(blob[:-4] + b"\0\0\xc0\x7f",)))
    assert "finite" in refused.value.expected


ARTIFACT = Artifact(Framework.TORCH, b"{}", b"{}", (), "")


def test_another_model_under_the_same_name_takes_the_place_of_the_old_one(tmp_path):
    models = Models(tmp_path, ["ada", "ben"], Assignment())
    for seed in range(2):
        models.keep(Trained("ada", ARTIFACT, seed, f"old{seed}", b"weights"))
    models.keep(Trained("ada", replace(ARTIFACT, graph=b"[]"), 0, "new0", b"others"))
    assert sorted(path.name for path in (tmp_path / "ada").glob("seed*")) == ["seed0.safetensors"]
    again = Models(tmp_path, ["ada", "ben"], Assignment())
    assert [again.has(key) for key in ("old0", "old1", "new0")] == [False, False, True]
    again.share(Trained("ben", ARTIFACT, 0, "new0"))
    assert (tmp_path / "ben" / "seed0.safetensors").read_bytes() == b"others"


def test_models_that_cannot_be_written_are_told(tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(HarnessError) as refused:
        Models(tmp_path / "models", ["ada"], Assignment()).keep(Trained("ada", ARTIFACT, 0, "key", b""))
    assert "--models" in refused.value.try_


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(UsageError) as refused:
        load_model(tmp_path)
    assert "--keep-models" in refused.value.try_


GOOD = (Looked((0.1,) * 10, (2, 3)), bytes(784), bytes(6), b"")


@pytest.mark.parametrize(
    "answer",
    [
        (replace(GOOD[0], probabilities=(0.1,) * 9), *GOOD[1:]),
        (replace(GOOD[0], probabilities=(float("nan"),) * 10), *GOOD[1:]),
        (replace(GOOD[0], thumbnail=(2, 4)), *GOOD[1:]),
        (replace(GOOD[0], thumbnail=(113, 0)), *GOOD[1:]),
        (replace(GOOD[0], thumbnail=(-2, -3)), *GOOD[1:]),
        (replace(GOOD[0], thumbnail=(6,)), *GOOD[1:]),
        (replace(GOOD[0], problem=("one",)), *GOOD[1:]),
        (GOOD[0], bytes(783), *GOOD[2:]),
        (*GOOD[:3], bytes(4)),
        (*GOOD[:3], bytes(3)),
    ],
)
def test_an_answer_that_is_none_is_refused(answer):
    assert _checked(*GOOD, ())["probabilities"] == (0.1,) * 10
    with pytest.raises(ValueError):
        _checked(*answer, ())


def test_names_and_labels_of_students_are_harmless_in_picture_and_json():
    hostile = "<script>\x1b[31m\u202e"
    values = np.zeros((200, 3, 3), np.float32)
    wide = np.arange(5_000, dtype=np.float32)
    activations = (Activation(Layer("conv2d", (1, 5, 5), (200, 3, 3), hostile), values),)
    activations += (Activation(Layer("dense", (9,), (5_000,), "fc"), wide),)
    item = Prediction(hostile, (0.1,) * 10, bytes(784), bytes(6), 3, activations)
    picture = activations_svg(hostile, [item, Prediction("x", problem=("a", "b", "c"))])
    assert "<script>" not in picture and "\x1b" not in picture and "\u202e" not in picture
    root = ElementTree.fromstring(picture)
    assert "the first 64 maps" in picture and len(root.findall("{*}image")) == 2 + 64 + 16
    assert "\\u202e" not in json.dumps(predictions_json(hostile, 0, [item]))
