"""The compiled engine's gradients of random models: within 1e-5 of PyTorch's own differentiation in float64."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine_graphs import ACTIVATIONS, KINDS, Made, batch_for, models, weights_for  # noqa: E402
from engine_oracle import compiled, draws, exact, worst  # noqa: E402
from hypothesis import HealthCheck, given, note, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from language_nets import Net, model_of  # noqa: E402

from harness.engine.coverage import not_covered  # noqa: E402
from harness.language.sizes import N  # noqa: E402
from harness.records.graph import OutputKind  # noqa: E402

pytestmark = pytest.mark.frameworks
TRIES = 3
"""A number within rounding of a corner of an activation, or two within rounding of each other in a max-pooling, give
another gradient in float32 than in float64, and both are right: other numbers then decide."""
COUNTS = st.sampled_from([1, 2, 7, 8, 9, 15, 16, 17, 31, 64, 100, 127, 128, 129, 130])
ISAS = st.sampled_from(["AVX2", "AVX-512"])
SLOW = list(HealthCheck)


def check(made: Made, count: int, isa: str) -> None:
    """Loss, gradients, statistics and the outputs of evaluation agree."""
    model, found = made.model, {}
    assert not_covered(model) == ""
    for seed in range(TRIES):
        (images, labels), weights = batch_for(model, count, seed), weights_for(model, seed)
        given_ = (model, weights, made.kind, images, labels, draws(model, count, seed))
        expected, single = exact(*given_), exact(*given_, dtype=torch.float32)
        found = worst(compiled(*given_, isa)[0], expected, single)
        if not found:
            return
    raise AssertionError(f"{made!r}, {count} images, {isa}, weights_for(model, {TRIES - 1}): {found}")


@settings(max_examples=12, derandomize=True, suppress_health_check=SLOW)
@given(models(), COUNTS, ISAS)
def test_random_models(made, count, isa):
    note(f"{made!r}, {count} images, {isa}")
    check(made, count, isa)


@pytest.mark.long
@settings(max_examples=600, suppress_health_check=SLOW, print_blob=True)
@given(models(9, least=3), COUNTS, ISAS)
def test_many_random_models(made, count, isa):
    note(f"{made!r}, {count} images, {isa}")
    check(made, count, isa)


@pytest.mark.long
@pytest.mark.parametrize("kind", sorted(set(KINDS)))
@settings(max_examples=40, suppress_health_check=SLOW, print_blob=True)
@given(st.data(), COUNTS, ISAS)
def test_one_kind_of_step_among_convolutions_and_activations(kind, data, count, isa):
    made = data.draw(models(5, (kind, kind, "convolution", "activation", "save", "join"), least=2))
    note(f"{made!r}, {count} images, {isa}")
    check(made, count, isa)


def made(make, *shape, kind=OutputKind.LOGITS) -> Made:
    return Made(model_of(make, *shape), kind, (make.__name__,))


def every_activation(net: Net) -> Net:
    """Each before and after a pooling, after a convolution, and by itself."""
    for number, (name, settings_) in enumerate(ACTIVATIONS):
        net.conv(f"c{number}", 2, 3, pad=1).then(name, **settings_)
        if number in (2, 6, 9):
            net.pool("AveragePool" if number % 2 else "MaxPool").then("Sigmoid")
    return net.flat().linear("d", 10)


def many_branches(net: Net) -> Net:
    """Sums and joined values that are read by several steps, in several orders of axes."""
    one = net.conv("a", 5, 3, pad=1).norm("na").then("Relu").last
    two = net.at(one).conv("b", 5, 3, pad=1).norm("nb").last
    three = net.emit("Concat", net.emit("Add", one, two), net.emit("Sub", two, one), one, axis=1)
    other = net.emit("Transpose", three, perm=(0, 2, 3, 1))
    net.at(other).then("Mul", net.tensor("s.near1", 15)).then("Slice", axis=1, start=0, end=9, step=-2)
    net.transpose(0, 3, 2, 1).conv("c", 7, 3).then("Tanh").pool("AveragePool")
    return net.flat().linear("d", 10).then("LogSoftmax", axis=1)


def tied(net: Net) -> Net:
    """One tensor in several places, turned and reshaped; others that are frozen or read through a stop."""
    weight = net.tensor("w.weight", 6, 4, 3)
    turned = net.emit("Reshape", net.emit("Transpose", weight, perm=(2, 0, 1)), shape=(18, 4))
    net.then("MatMul", turned).then("Tanh").then("MatMul", net.emit("Reshape", weight, shape=(4, 18)))
    before = net.then("Sigmoid").last
    stopped = net.then("StopGradient").linear("e", 18).last
    net.at(net.emit("Sub", before, stopped)).then("Mul", net.tensor("f.near1", 18, trainable=False))
    return net.reshape(N, 2, 9).then("Add", net.emit("Reshape", net.tensor("g.bias", 18), shape=(2, 9))).flat()


def and_ten(make):
    def whole(net: Net) -> Net:
        return make(net).linear("last", 10)

    whole.__name__ = make.__name__
    return whole


def sequence(net: Net) -> Net:
    """One axis besides channels."""
    net.conv("a", 9, 4, pad=2, stride=2).then("Gelu", approximate="none").pool("MaxPool", 3, 2, 1).norm("n")
    net.then("Dropout", ratio=0.3) if net.is_training else net
    return net.then("ReduceMean", axes=(2,)).linear("d", 10).then("Softmax", axis=1)


def scales(net: Net) -> Net:
    """Numbers that are broadcast along every choice of axes, on both sides of every operator."""
    net.then("Sigmoid")
    shapes = [(), (3,), (4, 1), (1, 3), (2, 1, 1), (2, 4, 1), (2, 4, 3), (1, 1, 4, 1)]
    for number, shape in enumerate(shapes):
        operator = ("Mul", "Div", "Add", "Sub")[number % 4]
        tensor = net.tensor(f"s{number}.near1", *shape)
        net.then(operator, tensor).then("Sigmoid")
        net.last = net.emit(operator, net.tensor(f"r{number}.near1", *shape), net.last)
    return net.then("Neg").then("Mul", net.constant(0.5)).flat().linear("d", 10)


CASES = (
    (made(every_activation, 1, 16, 16), 17),
    (made(many_branches, 2, 9, 7, kind=OutputKind.LOG_PROBABILITIES), 33),
    (made(and_ten(tied), 18), 130),
    (made(sequence, 3, 31, kind=OutputKind.PROBABILITIES), 65),
    (made(scales, 2, 4, 3), 16),
)


@pytest.mark.parametrize(("case", "count"), CASES, ids=lambda case: case.story[0] if isinstance(case, Made) else "")
def test_named_models(case, count):
    check(case, count, "AVX2" if count % 2 else "AVX-512")


def test_weights_of_a_dense_layer_that_must_be_copied_are_read_anew_in_each_step():
    from engine_oracle import SGD, task_of

    from harness.backends.torch import trainee as framework
    from harness.engine.trainee import load

    case = made(and_ten(tied), 18)
    images, labels = batch_for(case.model, 48, 0)
    task = task_of(case.model, weights_for(case.model, 0), case.kind, SGD)
    order, shares = np.arange(48), np.full(6, 10.0)
    ours, theirs = load(task), framework.load(task)
    for _ in range(2):
        losses = [trainee.train_epoch(images, labels, order, 8, shares) for trainee in (ours, theirs)]
    assert np.abs(losses[0] - losses[1]).max() < 1e-4
    assert np.abs(ours.predict(images) - theirs.predict(images)).max() < 1e-4
