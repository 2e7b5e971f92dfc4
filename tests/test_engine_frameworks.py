"""The compiled engine against a model's own framework: every covered reference, published model, submission and hand-in;
and back: what the engine trained, the framework classifies."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

from handins_table import FOLDER, hand_ins

from harness.child.prove import prove
from harness.child.train import TrainingData
from harness.child.worker import import_backend, import_engine
from harness.datasets import mnist
from harness.jobs.prove import ProveRequest
from harness.jobs.train import Optimizer
from harness.jobs.trainee import Task
from harness.records.inputs import arrange
from harness.tasks.assignment import Assignment

pytestmark = pytest.mark.frameworks
ROOT = Path(__file__).parents[1]
BEHAVIOURS = Path(__file__).parent / "submissions"
FREE = Assignment(architecture="free")
UNTRAINED = ("wrong_classes", "missing", "syntax", "build_raises", "prints", "sleeps", "calls")
"""Behaviours that no verdict lets pass."""

AMPLIFYING = {"keras_batch_norm_old.py": 1e-4, "keras_tf_in_helpers.py": 4e-5, "torch_resnet.py": 4e-5}
"""Models of which a gradient is a sum of numbers that nearly cancel, in float32 within this. TensorFlow in float32 is
further from float64 in the first of them: 1e-2."""


def candidates() -> list[Path]:
    """Folders and files that may become a model, in a fixed order."""
    published = [path.parent for path in (ROOT / "reference" / "published").glob("*/*/model.py")]
    behaviours = [
        path
        for path in BEHAVIOURS.iterdir()
        if path.name.endswith(("_torch", "_keras")) and not path.name.startswith(UNTRAINED)
    ]
    accepted = [FOLDER / hand_in.name for hand_in in hand_ins() if hand_in.parameters]
    return [
        *(ROOT / "reference" / f"lenet5_{name}" for name in ("torch", "keras")),
        *sorted(published),
        *sorted(behaviours),
        *accepted,
    ]


ALL = candidates()
TENTH = ALL[::10]


@pytest.fixture(scope="module")
def data():
    return mnist.load()


def name_of(path: Path) -> str:
    return f"{path.parent.name} {path.name}" if path.parent.parent.name == "published" else path.name


def first_batch_agrees(path: Path, examine_behaviour, data) -> None:
    found = examine_behaviour(path, FREE, one_build=True)
    if found.artifact is None or found.verdict.uncovered:
        pytest.skip(found.verdict.uncovered or "no model")
    artifact, count = found.artifact, 3 * 128
    images = arrange(data.train_images[:count], found.input_shape)
    given = TrainingData(images, data.train_labels[:count], images, data.train_labels[:0], images)
    request = ProveRequest(
        framework=artifact.framework,
        output_kind=found.verdict.output_kind,
        input_shape=found.input_shape,
        divisor=255,
        batch_size=128,
        graph=artifact.graph,
        weights=artifact.weights[0],
    )
    answer = prove(import_backend(artifact.framework), import_engine(), request, given)
    assert answer.agrees, answer
    assert answer.loss < 1e-5 and answer.gradients < AMPLIFYING.get(path.name, 2e-5) and answer.statistics < 1e-5, (
        answer
    )


@pytest.mark.parametrize("path", TENTH, ids=name_of)
def test_first_batch_is_that_of_the_framework(path, examine_behaviour, data):
    first_batch_agrees(path, examine_behaviour, data)


@pytest.mark.long
@pytest.mark.parametrize("path", [path for path in ALL if path not in TENTH], ids=name_of)
def test_first_batch_of_the_others_is_that_of_the_framework(path, examine_behaviour, data):
    first_batch_agrees(path, examine_behaviour, data)


SGD = Optimizer("sgd", 0.05, 0.0, 0.0, 0.0, 1e-8)
ADAM = Optimizer("adam", 2e-3, 0.0, 0.9, 0.999, 1e-8)


@pytest.mark.parametrize("name", ["lenet5_torch", "lenet5_keras"])
def test_a_hundred_steps_and_the_way_back_to_the_framework(name, examine_behaviour, data):
    found = examine_behaviour(ROOT / "reference" / name, FREE, one_build=True)
    backend, artifact, kind = import_backend(found.artifact.framework), found.artifact, found.verdict.output_kind
    images, labels = arrange(data.train_images[:6_400], found.input_shape), data.train_labels[:6_400]
    order, shares = np.random.default_rng(0).permutation(6_400), np.linspace(1, 0.1, 100)
    task = Task(artifact.graph, artifact.weights[0], kind, SGD, 0)
    losses, expected = (t.load(task).train_epoch(images, labels, order, 64, shares) for t in (import_engine(), backend))
    assert len(losses) == len(expected) == 100
    assert np.abs(losses - expected).max() < 1e-3
    trainee = import_engine().load(Task(artifact.graph, artifact.weights[0], kind, ADAM, 0))
    trainee.train_epoch(images, labels, order, 64, shares)
    tested = arrange(data.test_images[:2_000], found.input_shape)
    outputs = trainee.predict(tested)
    back = backend.load(Task(artifact.graph, trainee.state(), kind, ADAM, 0)).predict(tested)
    assert np.abs(outputs - back).max() < 1e-4 * np.abs(back).max()
    assert (outputs.argmax(axis=1) == back.argmax(axis=1)).mean() > 0.999
    assert (outputs.argmax(axis=1) == data.test_labels[:2_000]).mean() > 0.8
