"""The numbers that a graph hides: none is counted too small, and what is usual counts next to nothing."""

import random
import time

import numpy as np
import pytest
from hiding_in_training import IN_TRAINING
from hiding_places import ANYWHERE, STRUCTURES, Hider
from language_nets import Net, keras_lenet5, model_of, torch_lenet5
from test_language_batch import HONEST, cell

from harness.language.graph import ModelGraph
from harness.language.hidden import hidden_numbers
from harness.language.literals import bits_of_array
from harness.language.sizes import N

SLACK = 2
"""Words."""


def hidden_in(seed: int, *ways: str) -> tuple[ModelGraph, float]:
    """A LeNet-5 in which random numbers are hidden in these ways, and how many bits they have."""
    net, chooses, bits = torch_lenet5(), random.Random(seed), 0.0
    for way in ways:
        if way in ANYWHERE:
            bits += ANYWHERE[way](Hider(chooses.randrange(1 << 30), net), chooses.randint(1, 40))
    evaluation = net.graph()
    for way in ways:
        if way in IN_TRAINING:
            bits += IN_TRAINING[way](Hider(chooses.randrange(1 << 30), net), chooses.randint(1, 40))
    training, net.last = net.graph(), net.build.images
    model = net.model(training)
    return ModelGraph(model.framework, model.input_shape, model.tensors, training, evaluation, ""), bits


def never_too_small(seed: int) -> None:
    chooses = random.Random(seed)
    ways = chooses.sample([*ANYWHERE, *IN_TRAINING], chooses.choice([1, 1, 2, 4]))
    model, bits = hidden_in(seed, *ways)
    assert hidden_numbers(model).words >= 0.95 * bits / 32 - SLACK, ways


@pytest.mark.parametrize("way", [*ANYWHERE, *IN_TRAINING])
def test_no_way_to_hide_numbers_is_counted_too_small(way):
    for seed in range(2):
        model, bits = hidden_in(seed, way)
        assert hidden_numbers(model).words >= 0.95 * bits / 32 - SLACK


@pytest.mark.parametrize("part", range(4))
def test_several_ways_at_once_are_summed(part):
    for seed in range(10 * part, 10 * part + 10):
        never_too_small(seed)


@pytest.mark.long
@pytest.mark.parametrize("part", range(50))
def test_thousands_of_graphs_are_not_counted_too_small(part):
    for seed in range(100 * part, 100 * part + 100):
        never_too_small(seed)


@pytest.mark.parametrize("way", STRUCTURES)
def test_numbers_written_as_operators_are_not_counted_too_small(way):
    """A network has an order of operators, too: they count from 64 words on."""
    for count in (20, 60):
        net = torch_lenet5()
        bits = STRUCTURES[way](Hider(count, net), count)
        assert hidden_numbers(net.model()).words >= bits / 32 - 64


def residual(net: Net) -> Net:
    """50 layers: three blocks of eight pairs of convolutions, with batch normalization."""
    net.conv("stem", 16, 3, pad=1, bias=False).norm("n").then("Relu")
    for k in range(24):
        stride = 2 if k in (8, 16) else 1
        before, filters = net.last, 16 << k // 8
        net.conv(f"{k}a", filters, 3, pad=1, bias=False, stride=stride).norm(f"{k}a").then("Relu")
        after = net.conv(f"{k}b", filters, 3, pad=1, bias=False).norm(f"{k}b").last
        if stride == 2:
            before = net.at(before).conv(f"{k}c", filters, 1, bias=False, stride=2).norm(f"{k}c").last
        net.at(net.emit("Add", after, before)).then("Relu")
    return net.then("ReduceMean", axes=(2, 3)).linear("out", 10)


def densely_connected(net: Net) -> Net:
    """Each layer reads all layers of its block."""
    net.conv("stem", 16, 3, pad=1)
    for _ in range(3):
        features = [net.last]
        for _ in range(16):
            net.at(net.emit("Concat", *features, axis=1)).norm("n").then("Relu")
            features.append(net.conv("a", 16, 1, bias=False).norm("m").then("Relu").conv("b", 4, 3, pad=1).last)
        net.at(net.emit("Concat", *features, axis=1)).conv("c", 16, 1).pool("AveragePool")
    return net.then("ReduceMean", axes=(2, 3)).linear("out", 10)


def inception(net: Net) -> Net:
    """Nine blocks of four ways beside each other."""
    net.conv("stem", 16, 3, pad=1)
    for _ in range(9):
        before = net.last
        ways = [
            net.conv("1", 8, 1).then("Relu").last,
            net.at(before).conv("2", 8, 1).then("Relu").conv("3", 8, 3, pad=1).then("Relu").last,
            net.at(before).conv("4", 8, 1).then("Relu").conv("5", 8, 5, pad=2).then("Relu").last,
            net.at(before).pool(kernel=3, stride=1, pad=1).conv("6", 8, 1).then("Relu").last,
        ]
        net.at(net.emit("Concat", *ways, axis=1))
    return net.then("ReduceMean", axes=(2, 3)).linear("out", 10)


def both_ways(net: Net) -> Net:
    """Three recurrent layers, each in both directions, unrolled."""
    values = [net.reshape(N, 28, 28).emit("Slice", net.last, axis=1, start=k, end=k + 1) for k in range(28)]
    values = [net.emit("Reshape", value, shape=(N, 28)) for value in values]
    for _ in range(3):
        inputs = int(values[0].shape[1])
        ways = []
        for order in (range(28), range(27, -1, -1)):
            weights = [net.tensor("w", inputs, 16), net.tensor("u", 8, 16), net.tensor("b", 16)]
            state, states = net.emit("Expand", net.constant(0.0), shape=(N, 8)), {}
            for k in order:
                state = states[k] = cell(net, state, values[k], weights)
            ways.append(states)
        values = [net.emit("Concat", ways[0][k], ways[1][k], axis=1) for k in range(28)]
    return net.at(values[-1]).linear("out", 10)


TABLE = [[(k + j) % 6 for j in range(3 + (k >= 6) + (k >= 14) + (k == 15))] for k in range(16)]
"""Which maps each of 16 filters sees: 60 connections and 4 more."""


def connected(net: Net, index) -> Net:
    maps = net.conv("c1", 6).pool().last
    parts = [net.at(net.emit("Gather", maps, index(net, row), axis=1)).conv("c3", 1).last for row in TABLE]
    return net.at(net.emit("Concat", *parts, axis=1)).flat().linear("out", 10)


def masked(net: Net) -> Net:
    """The same as a mask on the filters."""
    mask = np.zeros((16, 6, 1, 1))
    for filter_, maps in enumerate(TABLE):
        mask[filter_, maps] = 1
    mask = net.constant(np.broadcast_to(mask, (16, 6, 5, 5)))
    net.conv("c1", 6).pool().convolve(net.emit("Mul", net.tensor("w", 16, 6, 5, 5), mask))
    return net.flat().linear("out", 10)


USUAL = {
    **{name: make for name, make in HONEST.items() if name != "codes of the classes"},
    "a residual net of 50 layers": residual,
    "a densely connected net": densely_connected,
    "an inception net": inception,
    "recurrent layers in both directions": both_ways,
    "a connection table": lambda net: connected(net, lambda net, row: net.constant(row)),
    "a connection table in tensors": lambda net: connected(
        net, lambda net, row: net.tensor("", len(row), kind="constant", dtype="I64")
    ),
    "a connection table as a mask": masked,
}


@pytest.mark.parametrize("name", USUAL)
def test_usual_models_hold_next_to_nothing(name):
    model = model_of(USUAL[name], *((28, 28, 1) if "Keras" in name else (1, 28, 28)))
    assert hidden_numbers(model).words < 16


def test_the_reference_holds_next_to_nothing():
    assert hidden_numbers(torch_lenet5().model()).words <= 1
    assert hidden_numbers(keras_lenet5().model()).words <= 2


def test_codes_of_the_classes_are_numbers():
    assert 26 <= hidden_numbers(HONEST["codes of the classes"](Net()).model()).words <= 40


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(784), 0.1),
        (np.full((28, 28), 0.5), 1),
        (np.arange(784), 0.1),
        (np.arange(10, 0, -1), 1.1),
        (np.linspace(-1, 1, 28, dtype=np.float32), 1.1),
        (np.arange(28, dtype=np.float32) * np.float32(2 / 27) - 1, 4),
        (np.eye(28), 0.5),
        (1 - np.eye(5, 9, 3), 0.5),
        (np.tril(np.ones((28, 28))), 0.5),
        (np.triu(np.full((28, 28), -np.inf), 1), 0.5),
        (np.broadcast_to(np.arange(28.0)[:, None], (28, 28)), 0.1),
        (np.array([[0.0, 1.0], [1.0, 0.0]]), 0.5),
    ],
    ids=[
        *("zeros", "one number", "a range", "backwards", "evenly spaced", "with roundings", "an identity"),
        *("all but an identity", "a triangle", "a mask", "coordinates", "a permutation of two"),
    ],
)
def test_what_a_few_numbers_make_holds_those(array, words):
    assert bits_of_array(np.asarray(array)) / 32 <= words


def test_all_digits_of_a_number_count():
    """Two numbers that print alike are two; zero has two signs."""
    close = [np.float32(0.01), np.nextafter(np.float32(0.01), np.float32(1))]
    for numbers in (close, [0.0, -0.0], [float("nan"), np.float32(np.nan)]):
        net = torch_lenet5()
        for number in numbers:
            net.then("LeakyRelu", alpha=float(number)) if number == number else net.then("Add", net.constant(number))
        model = net.model()
        assert hidden_numbers(model).words >= 1


def test_a_bound_beyond_all_numbers_is_an_infinite_one():
    net = torch_lenet5().then("Clip", min=-1e300, max=1e300)
    assert hidden_numbers(net.model()).words == 1


def test_numbers_of_both_graphs_count_once():
    def net(**numbers: float) -> Net:
        net = torch_lenet5()
        for number in numbers.values():
            net.then("LeakyRelu", alpha=number)
        return net

    same, other = net(a=0.11, b=0.12), net(a=0.13, b=0.14)
    assert hidden_numbers(same.model(same.graph())).words == 3
    assert hidden_numbers(same.model(other.graph())).words == 5


def test_one_slope_everywhere_is_one_number():
    net = torch_lenet5()
    for _ in range(300):
        net.then("LeakyRelu", alpha=0.37).scale(0.5)
    assert hidden_numbers(net.model()).words <= 3


def test_the_operator_that_holds_most_is_named():
    net = torch_lenet5()
    for k in range(9):
        net.then("Clip", min=0.1 + k / 100, max=None)
    assert hidden_numbers(net.then("Elu", alpha=0.3).model()).largest == "Clip"


def test_what_nothing_reads_is_not_counted():
    net = torch_lenet5()
    net.tensor("steps", 16, kind="buffer", dtype="I64")
    net.constant(np.random.default_rng(0).normal(size=500))
    assert hidden_numbers(net.model()).words <= 1


def test_counting_the_largest_graph_takes_no_time():
    """As many nodes, constants and small tensors as there may be."""
    net = torch_lenet5()
    numbers = np.random.default_rng(0)
    for _ in range(2400):
        net.then("Add", net.constant(numbers.normal(size=(1, 10)))).then("LeakyRelu", alpha=float(numbers.random()))
        net.then("Mul", net.tensor("", kind="constant")).then("Slice", axis=1, start=0, end=10).then("Relu")
    for _ in range(3):
        net.then("Add", net.constant(np.ones((1, 10)) * numbers.random(10)))
    start = time.process_time()
    assert hidden_numbers(net.model()).words > 20_000
    assert time.process_time() - start < 20
