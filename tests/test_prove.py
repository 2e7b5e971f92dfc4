"""The comparison of the compiled engine with a model's own framework: right results agree, whatever the model has; each
kind of wrong one is found."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from stand_in import StandIn  # noqa: E402
from torch.nn import functional  # noqa: E402

from harness.child.prove import BATCHES, classify, draws, gradients_apart, prove  # noqa: E402
from harness.child.train import TrainingData  # noqa: E402
from harness.child.worker import import_backend  # noqa: E402
from harness.datasets import mnist  # noqa: E402
from harness.jobs.losses import PROBABILITY_FLOOR, loss_of  # noqa: E402
from harness.jobs.prove import WITHIN, ClassifyRequest, ProveAnswer, ProveRequest  # noqa: E402
from harness.language.text import read_model  # noqa: E402
from harness.records.graph import OutputKind  # noqa: E402
from harness.records.inputs import arrange  # noqa: E402

pytestmark = pytest.mark.frameworks
MODELS = [
    "lenet5_torch",
    "batchnorm_dropout_torch",
    "log_softmax_inside_torch",
    "batchnorm_dropout_keras",
    "softmax_inside_keras",
]


@pytest.fixture
def asked(examine_behaviour):
    """The request for a model, its framework and its data: 600 images."""

    def of(name):
        found = examine_behaviour(name, one_build=True)
        artifact, data = found.artifact, mnist.load()
        request = ProveRequest(
            artifact.framework,
            found.verdict.output_kind,
            found.input_shape,
            255,
            128,
            artifact.graph,
            artifact.weights[0],
        )
        images = [arrange(part, found.input_shape) for part in (data.train_images[:600], data.test_images[:300])]
        return request, TrainingData(images[0], data.train_labels[:600], images[0], data.train_labels[:0], images[1])

    return of


def proved(request, data, engine):
    return prove(import_backend(request.framework), engine, request, data)


@pytest.mark.parametrize("name", MODELS)
def test_right_results_agree(asked, name):
    answer = proved(*asked(name), StandIn())
    assert answer.agrees, answer
    assert 0 < answer.gradients < 1e-6  # gradients and statistics are float32
    assert (answer.statistics > 0) is ("batchnorm" in name)


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [("loss", "loss", "loss"), ("gradient", "gradients", "gradient"), ("statistics", "statistics", "after")],
)
@pytest.mark.parametrize("name", ["batchnorm_dropout_torch", "batchnorm_dropout_keras"])
def test_each_kind_of_wrong_result_is_found(asked, name, fault, kind, told):
    answer = proved(*asked(name), StandIn(**{fault: 1.001}))
    assert not answer.agrees and getattr(answer, kind) == pytest.approx(1e-3, rel=0.2)
    assert told in answer.worst


def test_wrong_results_are_looked_at_in_several_batches_and_right_ones_in_one(asked):
    seen = []

    class Counting(StandIn):
        def load(self, task):
            seen.append(task.seed)
            return super().load(task)

    proved(*asked("lenet5_torch"), Counting())
    assert seen == [0]
    proved(*asked("lenet5_torch"), Counting(loss=1.1))
    assert seen == [0, *range(BATCHES)]


def test_a_loss_that_is_not_finite_agrees_with_one_that_is_not_finite_in_the_frameworks_float32(asked):
    class Overflowing(StandIn):
        def load(self, task):
            found = super().load(task)
            differentiate = found.gradients
            found.gradients = lambda *given: (float("inf"), differentiate(*given)[1])
            return found

    assert proved(*asked("diverges"), Overflowing()).agrees
    assert not proved(*asked("diverges"), StandIn(loss=1.1)).agrees
    assert not proved(*asked("lenet5_torch"), Overflowing()).agrees


def test_data_of_less_than_a_batch_is_one_batch(asked):
    request, data = asked("lenet5_torch")
    few = replace(data, train_images=data.train_images[:20], train_labels=data.train_labels[:20])
    assert proved(request, few, StandIn()).agrees
    assert not proved(request, few, StandIn(gradient=2.0)).agrees


@pytest.mark.parametrize("kind", OutputKind)
def test_loss_and_its_gradient_are_pytorchs(kind):
    chance = np.random.default_rng(0)
    outputs, labels = 3 * chance.standard_normal((40, 10)), chance.integers(0, 10, 40).astype(np.uint8)
    if kind is OutputKind.PROBABILITIES:
        outputs = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
        outputs[:4] = np.eye(10)[labels[:4]]
        outputs[4:8] = np.eye(10)[(labels[4:8] + 1) % 10]
    given = torch.from_numpy(outputs).requires_grad_()
    wanted = torch.from_numpy(labels).long()
    if kind is OutputKind.LOGITS:
        loss = functional.cross_entropy(given, wanted)
    elif kind is OutputKind.PROBABILITIES:
        loss = functional.nll_loss(given.clamp(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR).log(), wanted)
    else:
        loss = functional.nll_loss(given, wanted)
    loss.backward()
    found, direction = loss_of(outputs, labels, kind)
    assert found == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(direction, given.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_gradients_that_are_rounding_may_be_rounded_in_another_way():
    exact = {"w": np.array([1.0, 0.5]), "b": np.array([1e-17, -1e-17])}

    def size_of(b):
        return next(d.size for d in gradients_apart(exact, {"w": exact["w"], "b": np.array([b, 0.0])}) if "b" in d.what)

    assert size_of(8e-5) < WITHIN  # what float32 gave in the worst of twelve batches
    assert size_of(0.1) > WITHIN
    exact["b"] = np.array([2e-6, 0.0])  # small, but no rounding
    assert size_of(2.01e-6) > WITHIN


def test_numbers_that_are_not_finite_never_agree():
    nothing = ProveAnswer(0.0, 0.0, 0.0, "")
    assert nothing.agrees
    for field in ("loss", "gradients", "statistics"):
        assert not replace(nothing, **{field: float("nan")}).agrees
    exact = {"w": np.array([1.0])}
    for wrong in (np.nan, np.inf):
        (found,) = gradients_apart(exact, {"w": np.array([wrong])})
        assert found.size > WITHIN


def test_dropouts_are_given_what_to_keep(asked):
    request, _ = asked("batchnorm_dropout_torch")
    graph = read_model(request.graph).training
    drawn = draws(graph, 128, np.random.default_rng(0))
    assert drawn and all(set(np.unique(kept)) == {0.0, 1.0} and len(kept) == 128 for kept in drawn.values())
    for name, kept in drawn.items():
        assert kept.mean() == pytest.approx(1 - graph.by_name[name].attributes["ratio"], abs=0.05)


@pytest.mark.parametrize("name", ["lenet5_torch", "batchnorm_dropout_keras"])
def test_framework_classifies_with_the_weights_that_it_is_given(asked, name):
    request, data = asked(name)
    backend = import_backend(request.framework)
    common = (request.framework, request.output_kind, request.input_shape, 255, request.graph)
    found = np.frombuffer(classify(backend, ClassifyRequest(*common, request.weights), data).predictions, np.uint8)
    assert len(found) == 300
    other = classify(backend, ClassifyRequest(*common, trained(request, data)), data).predictions
    accuracy = (np.frombuffer(other, np.uint8) == mnist.load().test_labels[:300]).mean()
    assert accuracy > 0.4 > (found == mnist.load().test_labels[:300]).mean()


def trained(request, data):
    """The weights after an epoch of the stand-in."""
    from harness.jobs.train import Optimizer
    from harness.jobs.trainee import Task

    adam = Optimizer("adam", 1e-2, 0.0, 0.9, 0.999, 1e-8)
    trainee = StandIn().load(Task(request.graph, request.weights, request.output_kind, adam, 0))
    trainee.train_epoch(data.train_images, data.train_labels, np.arange(600), 20, np.ones(30))
    return trainee.state()
