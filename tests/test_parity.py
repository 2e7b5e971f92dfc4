"""The reference LeNet-5 in both frameworks, from the same weights on the same batches, learns the same."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

import safetensors.numpy

from harness.artifact.audit import audit
from harness.backends.source import Sources
from harness.backends.tensorflow import backend as keras_backend
from harness.backends.torch import backend as torch_backend
from harness.datasets import mnist
from harness.experiments.executors import run_all
from harness.experiments.training import Run, share_data, train_one
from harness.jobs.train import Optimizer
from harness.jobs.trainee import Task
from harness.records.framework import Framework
from harness.records.graph import OutputKind
from harness.records.inputs import arrange
from harness.records.run import RunStatus
from harness.records.submission import SourceFile
from harness.scoring.score import compare, correctness
from harness.tasks.assignment import PRESETS, Assignment, Budget

pytestmark = pytest.mark.frameworks
REFERENCE = Path(__file__).parents[1] / "reference"
SHAPES = {"torch": (1, 28, 28), "tensorflow": (28, 28, 1)}
SEEDS = 3


def artifact(backend, folder):
    source = SourceFile("model.py", (REFERENCE / folder / "model.py").read_bytes())
    framework = Framework.TORCH if backend is torch_backend else Framework.TENSORFLOW
    first, *others = (backend.build(Sources([source], "model.py", framework), seed) for seed in range(SEEDS))
    assert all(other.graph == first.graph for other in others)
    first = audit(first).artifact
    return replace(first, weights=tuple(built.weights[0] for built in (first, *others)))


def ordered(built, weights):
    """Tensors by their place in the network: the layers' names end in the order of the layers."""
    labels = json.loads(built.labels)
    tensors = safetensors.numpy.load(weights)
    return sorted(tensors, key=lambda name: list(labels).index(name)), tensors


def transplanted(torch_built, keras_built, seed):
    """The torch model's weights blob with the Keras model's values: HWIO to OIHW, and the flatten order of C5."""
    torch_names, torch_tensors = ordered(torch_built, torch_built.weights[seed])
    keras_names, keras_tensors = ordered(keras_built, keras_built.weights[seed])
    moved = {}
    for mine, theirs in zip(torch_names, keras_names, strict=True):
        value = to_torch(keras_tensors[theirs])
        assert value.shape == torch_tensors[mine].shape
        moved[mine] = np.ascontiguousarray(value)
    return safetensors.numpy.save(moved)


def to_torch(value):
    if value.ndim == 4:
        return value.transpose(3, 2, 0, 1)
    if value.shape == (400, 120):
        return value.reshape(5, 5, 16, 120).transpose(2, 0, 1, 3).reshape(400, 120).T
    return value.T


@pytest.fixture(scope="module")
def twins():
    """(artifact, one weights blob per seed) for each framework, holding the same numbers."""
    torch_built, keras_built = artifact(torch_backend, "lenet5_torch"), artifact(keras_backend, "lenet5_keras")
    moved = [transplanted(torch_built, keras_built, seed) for seed in range(SEEDS)]
    return {"torch": (torch_built, moved), "tensorflow": (keras_built, list(keras_built.weights))}


@pytest.fixture(scope="module")
def trainees(twins):
    optimizer = Optimizer("sgd", 0.01, 0.0, 0.9, 0.999, 1e-8)
    loads = {"torch": torch_backend.load, "tensorflow": keras_backend.load}
    return {
        name: loads[name](Task(built.graph, weights[0], OutputKind.LOGITS, optimizer, 0))
        for name, (built, weights) in twins.items()
    }


@pytest.fixture(scope="module")
def data():
    return mnist.load()


def test_first_loss_and_every_first_gradient_agree(twins, trainees, data):
    found = {}
    for name, trainee in trainees.items():
        images = arrange(data.train_images[:128], SHAPES[name])
        loss, gradients = trainee.gradients(images, data.train_labels[:128])
        built = twins[name][0]
        labels = list(json.loads(built.labels))
        found[name] = loss, [gradients[tensor] for tensor in sorted(gradients, key=labels.index)]
    (torch_loss, torch_gradients), (keras_loss, keras_gradients) = found["torch"], found["tensorflow"]
    assert abs(torch_loss - keras_loss) < 1e-6
    for mine, theirs in zip(torch_gradients, keras_gradients, strict=True):
        theirs = to_torch(theirs)
        assert np.linalg.norm(mine - theirs) < 1e-5 * np.linalg.norm(theirs)


def test_losses_stay_together_over_a_hundred_steps_of_plain_sgd(trainees, data):
    order = np.random.default_rng(0).permutation(60_000)[: 100 * 128]
    losses = [
        trainee.train_epoch(
            arrange(data.train_images, SHAPES[name]),
            data.train_labels,
            order,
            128,
            np.linspace(1, 0.1, -(-len(order) // 128)),
        )
        for name, trainee in trainees.items()
    ]
    assert len(losses[0]) == len(losses[1]) == 100
    assert losses[0][-1] < losses[0][0]
    assert np.abs(losses[0] - losses[1]).max() < 1e-3


TENTH = Budget(epochs=1, train_images=16_500)
"""A tenth of the images of the standard budget."""


@pytest.mark.parametrize(
    ("budget", "least"),
    [(TENTH, 0.93), pytest.param(PRESETS["standard"], 0.97, marks=pytest.mark.long)],
    ids=["a tenth", "standard"],
)
def test_mean_accuracies_under_one_budget_do_not_differ(twins, data, zygotes, budget, least):
    assignment = Assignment(budget=budget)
    runs = {
        Run(f"{name}{seed}", seed, built.framework, SHAPES[name], OutputKind.LOGITS, 0): replace(
            built, weights=(weights[seed],)
        )
        for name, (built, weights) in twins.items()
        for seed in range(SEEDS)
    }
    warm = {run.framework: zygotes.get(run.framework) for run in runs}
    shared = share_data(data, assignment.budget)

    def train(run):
        return train_one(run, runs[run], warm[run.framework], shared, assignment)

    results = {run.key: result for run, result in run_all(train, list(runs), 2, zygotes.close)}
    shared.close()
    assert {result.status for result in results.values()} == {RunStatus.DONE}
    correct = [
        correctness([results[f"{name}{seed}"].predictions for seed in range(SEEDS)], data.test_labels, SEEDS)
        for name in twins
    ]
    comparison = compare(*correct)
    assert comparison.low < 0 < comparison.high
    assert correct[0].mean() > least
