"""The compiled engine stays in its memory, whatever graph it is given: each array lies between two pages that end the
process when they are touched. What it cannot train has a reason, in little time."""

import ctypes
import importlib
import math
import time

import numpy as np
import pytest
import safetensors.numpy
from guard_graphs import weights_of
from guard_pages import ALLOCATORS, guarded, in_a_child
from guard_runs import OPTIMIZERS, found_in
from language_nets import model_of

from harness.engine.chain import chain_of
from harness.engine.compiled import HOSTS
from harness.engine.coverage import not_covered, plans_of
from harness.engine.needs import bytes_of
from harness.engine.tensors import Tensors
from harness.engine.tiles import best_tile
from harness.engine.trainee import load
from harness.jobs.trainee import Task
from harness.language.graph import Kind
from harness.language.interpreter import run
from harness.language.sizes import N
from harness.language.text import model_text
from harness.records.graph import OutputKind

SAMPLE = 48
ISAS = ("AVX-512", "AVX2")


def task_of(model, seed=0, kind=OutputKind.LOGITS):
    return Task(model_text(model), safetensors.numpy.save(weights_of(model, seed)), kind, OPTIMIZERS[0], 0)


def batch(model, count):
    chance = np.random.default_rng(0)
    images = chance.integers(0, 256, (count, *model.input_shape), dtype=np.uint8)
    return images, chance.integers(0, 10, count, dtype=np.uint8)


def problems(seeds):
    """What is wrong, and for how many models there was something to run."""
    found = [found_in(seed, ISAS[seed % 2], at_end=seed // 2 % 2 == 0) for seed in seeds]
    return [text for text in found if text and text[0] != "-"], sum(not text for text in found)


def test_random_models_stay_in_their_memory():
    wrong, covered = problems(range(SAMPLE))
    assert wrong == []
    assert covered > SAMPLE / 2


@pytest.mark.long
@pytest.mark.parametrize("part", range(40))
def test_thousands_of_random_models_stay_in_their_memory(part):
    wrong, covered = problems(range(10_000 + 100 * part, 10_100 + 100 * part))
    assert wrong == []
    assert covered > 50


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("beyond", [True, False])
def test_guard_pages_end_the_process(at_end, beyond):
    def work():
        array = guarded((16,), at_end=at_end)
        place = array.ctypes.data + (64 if at_end else -4) if beyond else array.ctypes.data
        np.frombuffer((ctypes.c_char * 4).from_address(place), np.float32).copy()
        return "alive"

    assert in_a_child(work) == ("ended by SIGSEGV" if beyond else "alive")


def zero_kernel(net):
    return net.convolve(net.tensor("w", 3, 1, 0, 3)).flat().linear("d", 10)


def norm_of_volumes(net):
    return net.reshape(N, 4, 7, 7, 4).norm("n").flat().linear("d", 10)


def views_of_views(net):
    for _ in range(3_000):
        net.transpose(0, 1, 3, 2).then("Slice", axis=3, start=0, end=28, step=-1)
    return net.flat().linear("d", 10)


def moved_weights(net):
    """A chain of moves that only a graph written by hand has: the builder would join them."""
    net.flat()
    weight = net.tensor("w", 784, 10)
    for k in range(1_500):
        shape = (784, 10) if k % 2 else (10, 784)
        weight = net.build.write("Reshape", [weight], {"shape": shape}, shape, Kind.FLOAT)
    return net.then("Gemm", weight)


def one_huge_join(net):
    net.flat().then("Slice", axis=1, start=0, end=1)
    return net.at(net.emit("Concat", *[net.last] * 19_000, axis=1)).linear("d", 10)


def different_convolutions(net):
    for k in range(200):
        net.conv(f"c{k}", 3 + k % 17, 3 + k % 3, pad=2 + k % 2).then("Mish")
        net.then("Slice", axis=3, start=0, end=5).then("Slice", axis=2, start=0, end=5)
    return net.flat().linear("d", 10)


def kept_results(net):
    """Few numbers are left of 3 million, which a Gelu needs for its slope."""
    return net.conv("c", 1_000, 3, pad=16).then("Gelu").then("ReduceMean", axes=(2, 3)).linear("d", 10)


def spread_results(net):
    return net.convolve(net.tensor("a", 1, 1, 1, 1), pad=64).conv("c", 2_000, 3, stride=64).flat().linear("d", 10)


def many_weights(net):
    return net.conv("c", 4_000, 28).conv("e", 4_500, 1).flat().linear("d", 10)


REFUSED = {
    zero_kernel: "kernels without numbers",
    norm_of_volumes: "three dimensions",
    views_of_views: "more than 2,000 operators",
    moved_weights: "",
    one_huge_join: "more than 400 steps",
    different_convolutions: "too many different steps",
    kept_results: "more memory than a trainer has",
    spread_results: "more memory than a trainer has",
    many_weights: "more memory than a trainer has",
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.items(), ids=[make.__name__ for make in REFUSED])
def test_what_is_too_much_has_a_reason(make, reason):
    model = model_of(make, 1, 28, 28)
    start = time.process_time()
    assert not_covered(model) == reason
    assert time.process_time() - start < 5


def test_images_without_numbers_are_refused():
    model = model_of(lambda net: net.convolve(net.tensor("w", 10, 0, 5, 5)).flat(), 0, 5, 5)
    assert not_covered(model) == "images without numbers"


def wide(net):
    return net.conv("c", 4_096, 28).conv("e", 300, 1).flat().linear("d", 10)


def mean_of_many(net):
    return net.conv("c", 30, 3, pad=1).then("Mish").then("ReduceMean", axes=(2, 3)).linear("d", 10)


def high_kernel(net):
    return net.conv("c", 8, 64, pad=20).flat().linear("d", 10)


def depthwise(net):
    return net.flat().reshape(N, 784, 1, 1).conv("c", 784, 1, group=784).flat().linear("d", 10)


@pytest.mark.parametrize("make", [wide, mean_of_many, high_kernel, depthwise])
def test_what_a_model_makes_us_write_does_not_grow_with_its_sizes(make):
    model = model_of(make, 1, 28, 28)
    start = time.process_time()
    trainee = load(task_of(model), HOSTS["AVX2"])
    assert time.process_time() - start < 10
    code = trainee._training.memory.code.module
    assert sum(len(block.instructions) for function in code.functions for block in function.blocks) < 10_000


def test_tiles_of_huge_results_are_chosen_in_no_time():
    start = time.process_time()
    assert best_tile(4_096, 100_000, 30).rows > 1
    assert time.process_time() - start < 1


def test_memory_is_forecast():
    """All that is asked for is at most what the forecast says, and not much less."""
    model = model_of(mean_of_many, 1, 28, 28)
    sizes = {tensor.name: tensor.size for tensor in model.tensors}
    training, evaluation = plans_of(model)
    forecast = bytes_of(training, sizes, 128, trains=True) + bytes_of(evaluation, sizes, 128, trains=False)
    assert 0.9 < asked_for(model) / forecast < 1.1


def asked_for(model):
    """The bytes of all arrays of the engine."""
    taken = []

    def counted(shape, kind=np.float32):
        taken.append(math.prod(shape) * np.dtype(kind).itemsize)
        return np.zeros(shape, kind)

    def work():
        for name in ALLOCATORS:
            importlib.import_module(f"harness.engine.{name}").zeros = counted
        load(task_of(model), HOSTS["AVX-512"])
        return str(sum(taken))

    return int(in_a_child(work))


def padded_rows(net):
    """Dense layers around a pad: the pad's zeros are read by the second."""
    return net.flat().linear("a", 12).then("Pad", pads=[(0, 0), (3, 50)]).linear("d", 10)


def softened_and_convolved(net):
    net.flat().linear("a", 12).then("Softmax", axis=1).reshape(N, 1, 12)
    return net.conv("c", 4, 3, pad=2).flat().linear("d", 10)


@pytest.mark.parametrize("make", [padded_rows, softened_and_convolved])
def test_a_batch_leaves_nothing_to_the_next(make):
    """Zeros between numbers stay zeros, however many images the batch before had."""
    model = model_of(make, 1, 6, 6)
    trainee, task = load(task_of(model)), task_of(model)
    images, _ = batch(model, 131)
    outputs = trainee.predict(images)
    expected = run(model.evaluation, safetensors.numpy.load(task.weights), images / 255).output
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def lenet(net):
    return net.conv("c", 3, 3).norm("n").then("Relu").pool().flat().linear("d", 10)


def damaged(weights, name, array):
    return {**weights, name: array} if array is not None else {k: v for k, v in weights.items() if k != name}


@pytest.mark.parametrize("array", [None, np.zeros((4, 1, 3, 3), np.float32), np.zeros((1,), np.float32)])
def test_weights_of_another_model_are_refused(array):
    """The audit compares them, in another process; kernels have no bounds but the shapes of the graph."""
    model = model_of(lenet, 1, 8, 8)
    weights = weights_of(model, 0)
    with pytest.raises(ValueError, match="other names or shapes"):
        Tensors(model.tensors, damaged(weights, "t0", array))
    tensors = Tensors(model.tensors, weights)
    with pytest.raises(ValueError, match="other names or shapes"):
        tensors.load(damaged(weights, "t0", array))


@pytest.mark.parametrize("images", [np.zeros((4, 1, 7, 8), np.uint8), np.zeros((4, 1, 8, 8), np.float32)])
def test_images_of_another_size_are_refused(images):
    trainee = load(task_of(model_of(lenet, 1, 8, 8)))
    with pytest.raises(ValueError, match="images of another size"):
        trainee.predict(images)


@pytest.mark.parametrize("missing", [4, -1])
def test_images_that_are_not_there_are_refused(missing):
    trainee = load(task_of(model_of(lenet, 1, 8, 8)))
    images, labels = np.zeros((4, 1, 8, 8), np.uint8), np.zeros(4, np.uint8)
    with pytest.raises((ValueError, IndexError)):
        trainee.train_epoch(images, labels, np.array([0, missing]), 2, np.ones(1))


def test_only_a_normalization_writes_to_what_is_not_trained():
    def make(net):
        net.conv("c", 3, 3, bias=False).norm("n").then("Mul", net.tensor("f", 3, 1, 1, trainable=False))
        return net.flat().linear("d", 10)

    model = model_of(make, 1, 8, 8)
    trainee, before = load(task_of(model)), weights_of(model, 0)
    images, labels = batch(model, 20)
    trainee.train_epoch(images, labels, np.arange(20), 10, np.ones(2))
    after = safetensors.numpy.load(trainee.state())
    changed = {t.label for t in model.tensors if not np.array_equal(before[t.name], after[t.name])}
    assert changed == {t.label for t in model.tensors} - {"f"}
    assert {t.label for t in model.tensors if t.name in trainee.weights()} == changed - {"n.mean", "n.var"}


def test_two_models_of_one_process_do_not_see_each_other():
    model = model_of(lenet, 1, 8, 8)
    images, labels = batch(model, 40)

    def trained(trainee):
        trainee.train_epoch(images, labels, np.arange(40), 16, np.ones(3))
        return trainee.state()

    alone = trained(load(task_of(model)))
    one, other = load(task_of(model)), load(task_of(model, 1))
    first = [trained(trainee) for trainee in (other, one)]
    assert first[1] == alone != first[0]
    arrays = [[t._tensors.parameters, t._tensors.gradients, *t._training.memory.values] for t in (one, other)]
    assert not any(np.shares_memory(a, b) for a in arrays[0] for b in arrays[1])


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_broken_weights_end_training_and_change_nothing(broken):
    model = model_of(lenet, 1, 8, 8)
    weights = weights_of(model, 0)
    weights["t0"].ravel()[0] = broken
    blob = safetensors.numpy.save(weights)
    trainee = load(Task(model_text(model), blob, OutputKind.LOGITS, OPTIMIZERS[1], 0))
    images, labels = batch(model, 40)
    with np.errstate(all="ignore"):
        losses = trainee.train_epoch(images, labels, np.arange(40), 16, np.ones(3))
    assert len(losses) == 1 and not np.isfinite(losses[0])
    trained = safetensors.numpy.load(trainee.state())
    assert all(np.array_equal(weights[n], trained[n], equal_nan=True) for n in trainee._tensors.trainable)


def test_moves_of_weights_are_read_in_their_order():
    def make(net):
        weight = net.emit("Transpose", net.tensor("w", 4, 9, 10), perm=(1, 0, 2))
        return net.flat().then("Gemm", net.emit("Reshape", weight, shape=(36, 10)))

    model = model_of(make, 1, 6, 6)
    (step,) = chain_of(model.evaluation).steps
    assert [kind for kind, _ in step.weight.moves] == ["transpose", "reshape"]
