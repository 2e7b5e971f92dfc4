"""What the compiled engine does from batch to batch: images without an image, statistics, repeats, batches of any size,
numbers that are no numbers, and several models at once."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import safetensors.numpy  # noqa: E402
from engine_graphs import batch_for, weights_for  # noqa: E402
from engine_oracle import SGD, Found, draws, exact, task_of, worst  # noqa: E402
from language_nets import Net, model_of  # noqa: E402

from harness.backends.torch import trainee as framework  # noqa: E402
from harness.engine.compiled import HOSTS  # noqa: E402
from harness.engine.trainee import load  # noqa: E402
from harness.jobs.train import Optimizer  # noqa: E402
from harness.records.graph import OutputKind  # noqa: E402

pytestmark = pytest.mark.frameworks
LOGITS = OutputKind.LOGITS
ADAM = Optimizer("adam", 1e-3, 0, 0.9, 0.999, 1e-8)
MOMENTUM = Optimizer("sgd", 0.05, 0.9, 0, 0, 0)
ONES = np.ones(400)


def by_itself(net: Net) -> Net:
    return net.norm("n", unbiased=True).linear("d", 10)


def small(net: Net) -> Net:
    """Everything that could depend on the batch: a normalization, dropout, poolings that are left over."""
    net.conv("a", 4, 3, pad=1).norm("n").then("Relu").pool("MaxPool", 2)
    net.then("Dropout", ratio=0.4) if net.is_training else net
    return net.conv("b", 5, 2).then("Tanh").pool("AveragePool", 3, 2, 1).flat().linear("d", 10)


def plain(net: Net) -> Net:
    return net.conv("a", 3, 3).then("Relu").pool().flat().linear("d", 12).then("Sigmoid").linear("e", 10)


SMALL, PLAIN = model_of(small, 1, 9, 9), model_of(plain, 1, 8, 8)


def fresh(model, optimizer=ADAM, isa="AVX-512", weights=None, seed=0, kind=LOGITS):
    return load(task_of(model, weights or weights_for(model, seed), kind, optimizer), HOSTS[isa])


def arrays(trainee):
    return safetensors.numpy.load(trainee.state())


def run(trainee, model, count=70, batch=32, seed=0):
    """Losses of an epoch, and everything after it."""
    images, labels = batch_for(model, count, seed)
    order = np.random.default_rng(seed).permutation(count)
    return [trainee.train_epoch(images, labels, order, batch, ONES[: -(-count // batch)]), trainee.state()]


def largest_difference(one, other):
    return max(np.abs(one[name] - other[name]).max(initial=0) / max(np.abs(other[name]).max(), 1e-9) for name in other)


@pytest.mark.parametrize("isa", ["AVX2", "AVX-512"])
def test_lanes_without_an_image_count_for_nothing(isa):
    trainee = fresh(SMALL, isa=isa)
    images, labels = batch_for(SMALL, 130, 0)
    for count in (3, 17, 128, 130):
        drawn = draws(SMALL, count, count)
        given = (SMALL, arrays(trainee), LOGITS, images[:count], labels[:count], drawn)
        expected, single = exact(*given), exact(*given, dtype=torch.float32)
        outputs = trainee.predict(images[:count])
        loss, gradients = trainee.gradients(images[:count], labels[:count], drawn)
        assert worst(Found(loss, gradients, arrays(trainee), outputs), expected, single) == {}


def test_variance_of_a_single_number_is_none_as_the_language_says():
    model = model_of(by_itself, 6)
    trainee = fresh(model)
    images, labels = batch_for(model, 1, 0)
    expected = exact(model, weights_for(model, 0), LOGITS, images, labels, {})
    loss, _ = trainee.gradients(images, labels)
    assert abs(loss - expected.loss) < 1e-4
    after = arrays(trainee)
    assert all(np.array_equal(np.isnan(after[name]), np.isnan(expected.tensors[name])) for name in after)
    assert any(np.isnan(array).all() for array in after.values())


def test_evaluation_changes_nothing():
    trainee = fresh(SMALL)
    run(trainee, SMALL)
    before, images = trainee.state(), batch_for(SMALL, 300, 5)[0]
    outputs = trainee.predict(images)
    names = [node.name for node in SMALL.evaluation.nodes]
    read = trainee.reader(task_of(SMALL, weights_for(SMALL, 3), LOGITS).graph, before, names)
    read(images[:20].astype(np.float32))
    assert trainee.state() == before
    assert np.array_equal(trainee.predict(images), outputs)


def test_what_is_evaluated_in_between_does_not_change_training():
    images = batch_for(SMALL, 40, 5)[0]
    one, other = fresh(SMALL), fresh(SMALL)
    found = []
    for trainee, looks in ((one, False), (other, True)):
        for seed in range(2):
            found.append(run(trainee, SMALL, seed=seed))
            if looks:
                trainee.predict(images)
    assert found[1][1] == found[3][1] and np.array_equal(found[1][0], found[3][0])


def test_two_models_at_once_are_as_each_alone():
    alone = [
        [run(trainee, model, seed=seed) for seed in range(3)] for model in (SMALL, PLAIN) for trainee in [fresh(model)]
    ]
    together, turns = (fresh(SMALL), fresh(PLAIN)), [[], []]
    for seed in range(3):
        for place, model in enumerate((SMALL, PLAIN)):
            turns[place].append(run(together[place], model, seed=seed))
    for one, other in zip(alone, turns, strict=True):
        for (losses, state), (others, after) in zip(one, other, strict=True):
            assert np.array_equal(losses, others) and state == after


REPEAT = """
import hashlib, sys
sys.path[:0] = sys.argv[1:]
from test_engine_trainee import SMALL, fresh, run
losses, state = run(fresh(SMALL), SMALL)
print(hashlib.sha256(losses.tobytes() + state).hexdigest())
"""


def test_repeats_are_equal_bit_by_bit_in_other_processes_too():
    tests = str(Path(__file__).parent)
    command = [sys.executable, "-c", REPEAT, tests, str(Path(tests).parent)]
    found = {subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)}
    losses, state = run(fresh(SMALL), SMALL)
    import hashlib

    assert found == {hashlib.sha256(losses.tobytes() + state).hexdigest() + "\n"}


def test_sixteen_lanes_learn_what_eight_learn():
    wide, narrow = (fresh(SMALL, MOMENTUM, isa) for isa in ("AVX-512", "AVX2"))
    for seed in range(2):
        (losses, _), (others, _) = (run(trainee, SMALL, seed=seed) for trainee in (wide, narrow))
        assert np.abs(losses - others).max() < 1e-5
    assert largest_difference(arrays(wide), arrays(narrow)) < 1e-5
    images = batch_for(SMALL, 50, 9)[0]
    outputs = [trainee.predict(images) for trainee in (wide, narrow)]
    assert np.abs(outputs[0] - outputs[1]).max() < 1e-5 * np.abs(outputs[1]).max()


@pytest.mark.parametrize("batch", [1, 5, 200])
def test_batches_of_any_size_learn_what_the_framework_learns(batch):
    ours, theirs = fresh(PLAIN, MOMENTUM), framework.load(task_of(PLAIN, weights_for(PLAIN, 0), LOGITS, MOMENTUM))
    count = min(3 * batch + batch // 2, 450)
    for trainee_seed in range(2):
        mine, expected = (run(trainee, PLAIN, count, batch, trainee_seed) for trainee in (ours, theirs))
        assert len(mine[0]) == -(-count // batch)
        assert np.abs(mine[0] - expected[0]).max() < 1e-5
    assert largest_difference(arrays(ours), arrays(theirs)) < 1e-4


def test_optimizer_and_random_numbers_go_on_where_a_larger_batch_comes_later():
    """A larger batch is compiled anew; what was learned before counts on."""
    ours, theirs = fresh(PLAIN, ADAM), framework.load(task_of(PLAIN, weights_for(PLAIN, 0), LOGITS, ADAM))
    for count, batch in ((64, 16), (300, 150)):
        mine, expected = (run(trainee, PLAIN, count, batch) for trainee in (ours, theirs))
        assert np.abs(mine[0] - expected[0]).max() < 1e-5
    assert largest_difference(arrays(ours), arrays(theirs)) < 1e-3


def test_order_of_images_is_the_one_that_is_asked_for():
    images, labels = batch_for(PLAIN, 64, 0)
    order = np.random.default_rng(3).permutation(64)
    one, other = fresh(PLAIN, MOMENTUM), fresh(PLAIN, MOMENTUM)
    losses = one.train_epoch(images, labels, order, 16, ONES[:4])
    others = other.train_epoch(images[order], labels[order], np.arange(64), 16, ONES[:4])
    assert np.array_equal(losses, others) and one.state() == other.state()
    third = fresh(PLAIN, MOMENTUM)
    assert not np.array_equal(third.train_epoch(images, labels, order[::-1].copy(), 16, ONES[:4]), losses)


@pytest.mark.parametrize(
    "optimizer", [MOMENTUM, ADAM, Optimizer("sgd", 0.02, 0, 0, 0, 0)], ids=lambda o: f"{o.name}{o.momentum}"
)
def test_fifty_steps_of_an_optimizer_are_those_of_torch_optim(optimizer):
    """On the gradients that the engine itself found."""
    model = model_of(lambda net: net.flat().linear("d", 10), 1, 4, 4)
    weights, (images, labels) = weights_for(model, 0), batch_for(model, 80, 0)
    ours, looks = fresh(model, optimizer), fresh(model, optimizer)
    parameters = {name: torch.tensor(array.astype(np.float64), requires_grad=True) for name, array in weights.items()}
    chosen = {
        "sgd": lambda: torch.optim.SGD(parameters.values(), optimizer.learning_rate, optimizer.momentum),
        "adam": lambda: torch.optim.Adam(parameters.values(), optimizer.learning_rate, (0.9, 0.999), optimizer.epsilon),
    }[optimizer.name]()
    shares = np.linspace(1, 0.1, 50)
    for step, share in enumerate(shares):
        part = np.arange(step, step + 30)
        looks._tensors.load(arrays(ours))
        _, gradients = looks.gradients(images[part], labels[part])
        ours.train_epoch(images, labels, part, 30, shares[step : step + 1])
        for name, parameter in parameters.items():
            parameter.grad = torch.tensor(gradients[name].astype(np.float64))
        chosen.param_groups[0]["lr"] = optimizer.learning_rate * share
        chosen.step()
    now = arrays(ours)
    for name, parameter in parameters.items():
        assert np.abs(now[name] - parameter.detach().numpy()).max() < 1e-6
        assert np.abs(now[name] - weights[name]).max() > 1e-3


def grows(net: Net) -> Net:
    """Outputs that become too large within a few steps."""
    return net.conv("a", 3, 3).then("Relu").flat().linear("d", 12).then("Relu").linear("e", 10).scale(3e4)


@pytest.mark.parametrize("make", [grows, small], ids=["outputs", "normalized"])
@pytest.mark.parametrize("rate", [1.0, 1e6, 1e18, 1e30])
def test_a_loss_that_is_not_finite_ends_training_at_the_batch_at_which_it_ends_in_torch(make, rate):
    made = model_of(
        lambda net: make(net) if make is grows else net.conv("a", 4, 3).norm("n").flat().linear("d", 10), 1, 9, 9
    )
    optimizer = Optimizer("sgd", rate, 0.9, 0, 0, 0)
    ours, theirs = fresh(made, optimizer), framework.load(task_of(made, weights_for(made, 0), LOGITS, optimizer))
    (losses, _), (expected, _) = (run(trainee, made, 640, 32) for trainee in (ours, theirs))
    assert len(losses) == len(expected)
    assert np.isfinite(losses[:-1]).all()
    assert np.isfinite(losses[-1]) == np.isfinite(expected[-1])


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_diverge_in_the_first_batch(number):
    weights = weights_for(PLAIN, 0)
    name = next(tensor.name for tensor in PLAIN.tensors if tensor.label == "e.bias")
    weights[name][3] = number
    ours, theirs = fresh(PLAIN, weights=weights), framework.load(task_of(PLAIN, weights, LOGITS))
    (losses, _), (expected, _) = (run(trainee, PLAIN, 64, 32) for trainee in (ours, theirs))
    assert len(losses) == len(expected)
    np.testing.assert_array_equal(np.isfinite(losses), np.isfinite(expected))


def pooled(activation, geometry):
    def make(net: Net) -> Net:
        net.conv("a", 3, 1)
        net.then(activation) if activation else net
        return net.pool("MaxPool", *geometry).flat().linear("d", 10)

    return make


@pytest.mark.parametrize("activation", ["", "Relu", "Tanh", "Sigmoid", "Softplus"])
@pytest.mark.parametrize("geometry", [(2,), (3,), (3, 2, 1)], ids=["2", "3", "overlapping"])
def test_of_equal_numbers_in_a_window_the_first_has_the_gradient(activation, geometry):
    """Images of few colours, in which most windows have ties."""
    model = model_of(pooled(activation, geometry), 1, 9, 9)
    images, labels = batch_for(model, 40, 0)
    images = images // 100 * 120
    images[:20, :, :5] = 0
    given = (model, weights_for(model, 0), LOGITS, images, labels, {})
    expected = exact(*given)
    loss, gradients = fresh(model).gradients(images, labels)
    assert abs(loss - expected.loss) < 1e-6
    assert largest_difference(gradients, expected.gradients) < 1e-5


@pytest.mark.parametrize("activation", ["Tanh", "Sigmoid", "Selu", "Mish", "Gelu", "Softplus", "Softsign"])
def test_saturated_activations_have_the_slopes_of_the_framework(activation):
    settings = {"approximate": "none"} if activation == "Gelu" else {}
    model = model_of(lambda net: net.flat().linear("d", 30).then(activation, **settings).linear("e", 10), 1, 4, 4)
    weights = weights_for(model, 0)
    first = next(t.name for t in model.tensors if t.label == "d.weight")
    weights[first] = (weights[first] * np.logspace(-2, 4, 30)[:, None]).astype(np.float32)
    images, labels = batch_for(model, 40, 0)
    given = (model, weights, LOGITS, images, labels, {})
    expected, single = exact(*given), exact(*given, dtype=torch.float32)
    loss, gradients = fresh(model, weights=weights).gradients(images, labels)
    assert abs(loss - expected.loss) <= 1e-5 * abs(expected.loss)
    theirs = largest_difference(single.gradients, expected.gradients)
    assert largest_difference(gradients, expected.gradients) < max(1e-5, 4 * theirs)


def test_denormal_numbers_survive():
    """Weights and gradients that are no normal numbers are kept as they are, not set to 0."""
    model = model_of(lambda net: net.flat().linear("d", 10), 1, 4, 4)
    weights = weights_for(model, 0)
    name = next(t.name for t in model.tensors if t.label == "d.bias")
    weights[name][:] = np.arange(1, 11, dtype=np.float32) * np.float32(1e-42)
    for other in weights:
        weights[other] = weights[other] if other == name else np.zeros_like(weights[other])
    trainee = fresh(model, Optimizer("sgd", 1e-41, 0, 0, 0, 0), weights=weights)
    assert np.array_equal(trainee.predict(batch_for(model, 3, 0)[0])[0], weights[name])
    (_, state) = run(trainee, model, 32, 32)
    moved = safetensors.numpy.load(state)[name] - weights[name]
    assert np.abs(moved).max() > 0 and np.abs(moved).max() < np.finfo(np.float32).tiny


def test_reader_gives_the_values_that_the_framework_gives():
    task = task_of(SMALL, weights_for(SMALL, 0), LOGITS)
    other = safetensors.numpy.save(weights_for(SMALL, 7))
    images = np.random.default_rng(0).random((150, 1, 9, 9), dtype=np.float32)
    trainee = fresh(SMALL)
    names = [name for node in SMALL.evaluation.nodes if node.operator in ("Conv", "Gemm") for name in node.inputs[:1]]
    names = [name for name in names if name != "images"]
    found = trainee.reader(task.graph, other, names)(images)
    expected = framework.reader(task.graph, other, names)(images)
    assert list(found) == names and len(names) == 2
    for name in names:
        assert found[name].shape == expected[name].shape
        assert np.abs(found[name] - expected[name]).max() < 1e-5 * np.abs(expected[name]).max()
    assert trainee.state() == fresh(SMALL).state()


@pytest.mark.parametrize("kind", OutputKind)
def test_a_hundred_steps_learn_what_the_framework_learns(kind):
    last = {OutputKind.PROBABILITIES: "Softmax", OutputKind.LOG_PROBABILITIES: "LogSoftmax"}.get(kind)
    model = model_of(lambda net: plain(net).then(last, axis=1) if last else plain(net), 1, 8, 8)
    weights = weights_for(model, 0)
    ours = fresh(model, SGD, kind=kind, weights=weights)
    theirs = framework.load(task_of(model, weights, kind, SGD))
    (losses, _), (expected, _) = (run(trainee, model, 3_200, 32) for trainee in (ours, theirs))
    assert len(losses) == 100
    assert np.abs(losses - expected).max() < 1e-3
    assert largest_difference(arrays(ours), arrays(theirs)) < 1e-3
