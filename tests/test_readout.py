"""Read-outs of values inside of a model before training: pretrained models are found, untrained ones are not."""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

import safetensors.numpy
import torch
from honest_models import DESIGNS, INITIALIZATIONS, PAIRS, built
from pretrained_models import DISGUISES, disguised, readouts_of, request_of, trained

import reference
from harness.artifact.audit import audit, read_artifact
from harness.backends.source import Sources
from harness.child import readout
from harness.child.train import TrainingData
from harness.child.validate import read_weights
from harness.child.worker import _train, import_backend
from harness.datasets import mnist
from harness.handins.discover import take_in
from harness.jobs import wire
from harness.jobs.train import TrainingImages
from harness.language.interpreter import run
from harness.model.readable import MOST, before_layers
from harness.model.rows import read_rows
from harness.records.inputs import arrange
from harness.records.run import RunStatus, beyond_shuffles
from harness.scoring.findings import READOUT_LIMIT

pytestmark = pytest.mark.frameworks
FRAMEWORKS = pytest.mark.parametrize("framework", ["torch", "keras"])


def learned(readouts):
    return beyond_shuffles(readouts, READOUT_LIMIT)


NASTY = [
    ("lenet5, bigger", "Gabor filters, eight angles"),
    ("small ResNet", "Gabor filters, eight angles"),
    ("lenet5", "Gabor filters"),
    ("lenet5", "identity"),
    ("lenet5, bigger", "identity"),
]
"""Those of which the most is left of an image."""
OTHERS = [(design, list(INITIALIZATIONS)[3 * number % len(INITIALIZATIONS)]) for number, design in enumerate(DESIGNS)]
TENTH = list(dict.fromkeys([*OTHERS, *NASTY]))
"""Less than a tenth of all pairs: each design once, and the nasty ones."""
SLOW = ("small ResNet", "lenet5, bigger", "nine convolutions")
QUICK = [pair for pair in TENTH if not pair[0].startswith(SLOW)]
"""Those that take less than a few seconds."""


def test_the_models_are_twenty_designs_in_more_than_ten_initializations():
    assert len(DESIGNS) == 20 and len(PAIRS) > 400
    assert {design for design, _ in TENTH} == set(DESIGNS)
    assert len({how for _, how in TENTH}) >= 20


@pytest.mark.parametrize(("design", "initialization"), QUICK)
def test_an_untrained_model_is_not_found(design, initialization):
    readouts = readouts_of(built(design, initialization, PAIRS.index((design, initialization))))
    assert readouts and learned(readouts) == []


@pytest.mark.long
@pytest.mark.parametrize(("design", "initialization"), [pair for pair in PAIRS if pair not in QUICK])
def test_no_other_untrained_model_is_found(design, initialization):
    readouts = readouts_of(built(design, initialization, PAIRS.index((design, initialization))))
    assert readouts and learned(readouts) == []


@pytest.fixture(scope="module")
def pretrained_lenet5():
    """LeNet-5 after two epochs on 12,000 images, and another one to take fresh layers from."""
    return trained(built("lenet5", seed=1), 12_000, 2), built("lenet5", seed=2)


OFTEN = ("as trained", "last layer fresh", "last two layers fresh", "filters permuted to match", "last layer negated")
SELDOM = [name for name in DISGUISES if name not in OFTEN]


@pytest.mark.parametrize("disguise", [*OFTEN, *(pytest.param(name, marks=pytest.mark.long) for name in SELDOM)])
def test_a_pretrained_model_is_found_in_every_disguise(pretrained_lenet5, disguise):
    assert learned(readouts_of(disguised(*pretrained_lenet5, DISGUISES[disguise])))


@pytest.mark.long
@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize(
    "design", ["lenet5, tanh and average pooling", "lenet5, batch normalization", "784-300-100-10"]
)
def test_other_pretrained_designs_are_found_too(design, disguise):
    if disguise == "filters permuted to match" and "normalization" in design:
        pytest.skip("its statistics would have to be permuted as well")
    model = trained(built(design, seed=1), 55_000, 2)
    assert learned(readouts_of(disguised(model, built(design, seed=2), DISGUISES[disguise])))


@pytest.mark.parametrize("disguise", ["last layer fresh"])
def test_a_pretrained_keras_model_is_found(disguise):
    submission = take_in(Path(reference.__path__[0]) / "lenet5_keras")
    sources = Sources(submission.files, submission.entry, submission.framework)
    first, second = (audit(import_backend("tensorflow").build(sources, seed)).artifact for seed in (0, 1))
    assert learned(readouts_of(first)) == []
    assert learned(readouts_of(disguised(trained(first, 12_000, 2), second, DISGUISES[disguise])))


@FRAMEWORKS
def test_values_are_read_where_they_enter_a_layer_with_parameters(examine_behaviour, framework):
    examined = examine_behaviour(f"lenet5_{framework}")
    graph = read_artifact(examined.artifact)
    rows = read_rows(graph)
    assert [rows.shape_of(name) for name in before_layers(graph)] == [(6, 14, 14), (400,), (120,), (84,)]


def test_in_a_deep_model_some_places_are_read_the_last_one_included():
    names = before_layers(read_artifact(built("nine convolutions")))
    assert len(names) == 9
    deep = built("small ResNet")
    assert 1 < len(before_layers(read_artifact(deep))) <= MOST


@pytest.mark.parametrize("design", ["lenet5", "lenet5, batch normalization", "small ResNet", "32 and 64 filters"])
def test_values_that_are_read_are_those_of_the_model(design):
    artifact = built(design, seed=5)
    backend, names = import_backend(artifact.framework), before_layers(read_artifact(artifact))
    images = np.random.default_rng(0).random((7, 1, 28, 28), np.float32)
    found = backend.reader(artifact.graph, artifact.weights[0], names)(images)
    plain = run(read_artifact(artifact).evaluation, read_weights(artifact.weights[0]), images, keep=names).kept
    assert found.keys() == plain.keys() == set(names)
    for name in names:
        np.testing.assert_allclose(found[name], plain[name], rtol=1e-4, atol=1e-5)


def test_a_shuffle_reorders_the_numbers_of_parameters_and_of_nothing_else():
    artifact = built("lenet5, batch normalization", seed=3)
    tensors = json.loads(artifact.graph)["tensors"]
    before = safetensors.numpy.load(artifact.weights[0])
    first, second = (
        safetensors.numpy.load(blob)
        for blob in readout._shuffles(artifact.weights[0], readout._learned(artifact.graph), 2)
    )
    for name, values in before.items():
        assert sorted(first[name].ravel()) == sorted(values.ravel())
        is_reordered = tensors[name]["kind"] == "parameter" and len(np.unique(values)) > 1
        assert (first[name].tobytes() != values.tobytes()) is is_reordered
        assert (first[name].tobytes() != second[name].tobytes()) is is_reordered


def test_a_read_out_is_what_least_squares_finds():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 10, 3_000).astype(np.uint8)
    columns = (draw.normal(size=(10, 30))[labels] * 0.4 + draw.normal(size=(3_000, 30))).astype(np.float32) * 9 + 5
    count = readout.FITTED
    mean, deviation = columns[:count].mean(0), columns[:count].std(0)
    inputs, classes = (columns - mean) / deviation, np.eye(10)[labels]
    share = classes[:count].mean(0)
    penalty = np.sqrt(readout._RIDGE * count) * np.eye(30)
    slopes = np.linalg.lstsq(
        np.vstack([inputs[:count], penalty]), np.vstack([classes[:count] - share, np.zeros((30, 10))]), rcond=None
    )[0]
    expected = ((inputs[count:] @ slopes + share).argmax(1) == labels[count:]).mean()
    assert 0.5 < expected < 0.99
    assert readout.accuracy(columns, labels) == pytest.approx(expected, abs=0.002)


def test_maps_with_too_many_numbers_are_pooled():
    maps = np.random.default_rng(0).random((5, 8, 15, 15), np.float32)
    pooled = torch.nn.functional.avg_pool2d(torch.from_numpy(maps), 2).flatten(1).numpy()
    np.testing.assert_allclose(readout._pooled(maps) / 4, pooled, rtol=1e-5)
    few = maps[:, :1, :14, :14]
    assert np.array_equal(readout._pooled(few), few.reshape(5, -1))


@pytest.mark.parametrize("columns", [
    np.full((2_000, 5), np.nan, np.float32),
    np.full((2_000, 5), np.inf, np.float32),
    np.full((2_000, 5), 3e38, np.float32),
    np.zeros((2_000, 0), np.float32),
    np.tile(np.array([1e38, -3e38], np.float32), (2_000, 1)),
    None,
])  # fmt: skip
def test_values_that_say_nothing_are_no_error(columns):
    labels = np.arange(2_000).astype(np.uint8) % 10
    if columns is not None:
        condensed = readout._Condensed.of(columns)
        columns = condensed(columns)
        assert np.isfinite(columns).all()
    assert readout.accuracy(columns, labels) <= 0.2


def images_for(train_images, held_out):
    data = mnist.load()
    parts = {
        "train_images": data.train_images[:train_images],
        "train_labels": data.train_labels[:train_images],
        "validation_images": data.train_images[60_000 - held_out :],
        "validation_labels": data.train_labels[60_000 - held_out :],
        "test_images": data.test_images[:300],
    }
    return [
        memoryview(wire.encode(TrainingImages(**{name: memoryview(part.tobytes()) for name, part in parts.items()})))
    ]


@pytest.mark.parametrize(
    "behaviour", ["lenet5_torch", "lenet5_keras", "batchnorm_dropout_torch", "batchnorm_dropout_keras"]
)
def test_a_read_out_changes_no_bit_of_what_is_trained(examine_behaviour, behaviour):
    artifact = examine_behaviour(behaviour).artifact.of_seed(0)
    request = replace(request_of(artifact), keep_weights=True)
    backend, shared = import_backend(artifact.framework), images_for(600, 2_000)
    read, plain = (_train(backend, one, shared) for one in (request, replace(request, read=())))
    assert len(read.observations.readouts) == len(request.read) > 2 and plain.observations.readouts == ()
    assert read.status is RunStatus.DONE and len(plain.weights) > 1_000
    assert (read.weights, read.predictions, read.log_probabilities) == (
        plain.weights,
        plain.predictions,
        plain.log_probabilities,
    )
    assert read.curve == plain.curve


@pytest.mark.parametrize(
    ("train_images", "held_out", "readable"),
    [(600, 2_000, True), (2_000, 0, True), (1_500, 500, True), (1_500, 100, False)],
)
def test_held_out_images_come_first_then_training_images_and_a_few_are_not_enough(train_images, held_out, readable):
    data, none = mnist.load(), np.zeros((0, 1, 28, 28), np.uint8)
    held = arrange(data.train_images[60_000 - held_out :], (1, 28, 28)) if held_out else none
    parts = (
        arrange(data.train_images[:train_images], (1, 28, 28)),
        data.train_labels[:train_images],
        held,
        data.train_labels[60_000 - held_out :],
    )
    images, labels = readout._unseen(TrainingData(*parts, none))
    assert len(images) == len(labels) == train_images + held_out
    assert np.array_equal(images[:held_out], held) and np.array_equal(labels[held_out:], parts[1])
    request = request_of(built("784-20-10, sigmoid"))
    assert bool(readout.readouts(import_backend("torch"), request, TrainingData(*parts, none))) is readable


def test_an_untrained_lenet5_costs_little():
    artifact = built("lenet5")
    readouts_of(artifact)
    before = time.process_time()
    assert all(len(one.shuffled) == 1 for one in readouts_of(artifact))
    assert time.process_time() - before < 2.0  # 0.15 on one processor that does nothing else


@pytest.mark.parametrize("shape", [(30, 7, 4), (7, 4, 30), (30 * 7, 4)])
def test_images_are_found_on_whatever_axis_they_are(shape):
    values = np.random.default_rng(0).random(shape, np.float32)
    expected = np.moveaxis(values, -1, 0) if shape[-1] == 30 else values
    assert np.array_equal(readout._by_image(values, 30).ravel(), expected.ravel())
    assert len(readout._by_image(values, 30)) == 30
    assert readout._by_image(values[:4][..., :3], 30).size == readout._by_image(np.float32(3), 30).size == 0
