"""Ways to hide numbers in a graph of the language. Each returns the number of bits that it hides: 32 for a number, and
what tells the choices apart where there are only few."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from language_nets import Net

from harness.language.graph import Value
from harness.language.sizes import N

Way = Callable[["Hider", int], float]


class Hider:
    """A graph in which numbers are hidden, on the way of a value with ten numbers for each image."""

    def __init__(self, seed: int, net: Net) -> None:
        self.random, self.numbers, self.net = random.Random(seed), np.random.default_rng(seed), net

    def real(self, least: float = 0.001, most: float = 0.999) -> float:
        """Any number; each of them is another one."""
        return self.random.uniform(least, most)

    def whole(self, least: int, most: int, count: int) -> list[int]:
        return self.random.sample(range(least, most), count)

    def add(self, fixed: Value) -> None:
        """What does not depend on the images, in one number, onto the way."""
        total = self.net.emit("ReduceSum", fixed, axes=tuple(range(fixed.rank))) if fixed.rank else fixed
        self.net.then("Add", total)

    def floats(self, *shape: int) -> Value:
        return self.net.emit("Abs", self.net.tensor("weights", *shape))


def attribute(operator: str, *names: str, **others: Any) -> Way:
    def hide(to: Hider, count: int) -> float:
        for _ in range(count):
            to.net.then(operator, **{name: to.real() for name in names}, **others)
        return 32 * count * len(names)

    return hide


def scalars(to: Hider, count: int) -> float:
    for _ in range(count):
        to.net.then(to.random.choice(["Add", "Mul", "Max", "Min", "Sub"]), to.net.constant(to.real()))
    return 32 * count


def epsilons(to: Hider, count: int) -> float:
    for _ in range(count):
        to.net.then("LayerNormalization", to.net.constant(np.ones(10)), axis=1, epsilon=to.real())
    return 32 * count


def range_bounds(to: Hider, count: int) -> float:
    for start in to.whole(1000, 1_000_000, count):
        to.add(to.net.emit("Cast", to.net.emit("Range", start=start, limit=start + 7, delta=1), to="float"))
    return 32 * count


def array(to: Hider, count: int) -> float:
    to.add(to.net.constant(to.numbers.normal(size=count)))
    return 32 * count


def many_arrays(to: Hider, count: int) -> float:
    for _ in range(count):
        to.net.then("Add", to.net.constant(to.numbers.normal(size=(1, 10))))
    return 320 * count


def picture(to: Hider, count: int) -> float:
    """Zeros and ones."""
    to.add(to.net.constant(to.numbers.integers(0, 2, 32 * count).astype(float)))
    return 32 * count


def signs_of_zeros(to: Hider, count: int) -> float:
    to.add(to.net.constant(np.where(to.numbers.random(32 * count) < 0.5, 0.0, -0.0)))
    return 32 * count


def payloads(to: Hider, count: int) -> float:
    bits = to.numbers.integers(0x7FC00000, 0x7FFFFFFF, count, dtype=np.uint32)
    to.add(to.net.constant(bits.view(np.float32)))
    return 22 * count


def perturbed_range(to: Hider, count: int) -> float:
    """A range but for the last digits of its numbers: eight choices for each."""
    exact = np.arange(count * 11, dtype=np.float32) + 2048
    to.add(to.net.constant(exact + to.numbers.integers(-4, 4, exact.size).astype(np.float32) * np.spacing(exact)))
    return 3 * count * 11


def perturbed_identity(to: Hider, count: int) -> float:
    side = max(3, math.isqrt(32 * count) + 1)
    matrix = np.eye(side)
    matrix[np.triu_indices(side, 1)] = to.numbers.integers(0, 2, side * (side - 1) // 2)
    to.add(to.net.constant(matrix))
    return side * (side - 1) / 2


def labels(to: Hider, count: int) -> float:
    to.add(to.net.emit("Cast", to.net.constant(to.numbers.integers(0, 10, 10 * count)), to="float"))
    return math.log2(10) * 10 * count


def permutation(to: Hider, count: int) -> float:
    """The order in which numbers are gathered."""
    order = to.net.constant(to.numbers.permutation(8 * count))
    to.net.then("ReduceSum", axes=(1,), keepdims=True).then("Expand", shape=(N, 8 * count))
    to.net.then("Gather", order, axis=1).linear("l", 10)
    return math.lgamma(8 * count + 1) / math.log(2)


def index_tensors(to: Hider, count: int) -> float:
    """Whole numbers that a framework holds as a tensor: each chooses one of ten numbers."""
    for _ in range(count):
        to.net.then("Gather", to.net.tensor("", 10, kind="constant", dtype="I64"), axis=1)
    return math.log2(10) * 10 * count


def small_tensors(to: Hider, count: int) -> float:
    for k in range(count):
        kind, dtype = [("constant", "F32"), ("constant", "F64"), ("unregistered", "I64")][k % 3]
        tensor = to.net.tensor("", kind=kind, dtype=dtype)
        to.net.then("Mul", to.net.emit("Cast", tensor, to="float"))
    return sum([32, 64, 64][k % 3] for k in range(count))


def counters(to: Hider, count: int) -> float:
    """Buffers of 16 whole numbers each."""
    for _ in range(count):
        to.add(to.net.emit("Cast", to.net.tensor("", 16, kind="buffer", dtype="I32"), to="float"))
    return 16 * 32 * count


def sizes(to: Hider, count: int) -> float:
    for size in to.whole(1000, 9000, count):
        to.add(to.net.emit("Expand", to.net.constant(1.0), shape=(size,)))
    return 32 * count


def sizes_of_constants(to: Hider, count: int) -> float:
    for size in to.whole(100, 900, count):
        to.add(to.net.constant(np.ones(size)))
    return 32 * count


def repeats(to: Hider, count: int) -> float:
    for times in to.whole(100, 4000, count):
        to.add(to.net.emit("Tile", to.net.constant(np.ones(3)), repeats=(times,)))
    return 32 * count


def pads_of_constants(to: Hider, count: int) -> float:
    for side in to.whole(0, 64 * 64, count):
        pads = [(side % 64, side // 64)]
        padded = to.net.emit("Pad", to.net.constant(np.ones(3)), pads=pads, value=1.0)
        to.add(padded)
    return 12 * count


def sizes_of_windows(to: Hider, count: int) -> float:
    """How often a window fits on a picture of ones."""
    for places in to.whole(0, 30 * 30, count):
        pooled = to.net.emit(
            "AdaptiveMaxPool", to.net.constant(np.ones((1, 1, 32, 32))), sizes=(places % 30 + 2, places // 30 + 2)
        )
        to.add(pooled)
    return math.log2(900) * count


def slices(to: Hider, count: int) -> float:
    net = to.net.then("ReduceSum", axes=(1,), keepdims=True).then("Expand", shape=(N, 5000))
    whole = net.then("Softplus").last
    parts = [net.emit("Slice", whole, axis=1, start=start, end=start + 10) for start in to.whole(1, 4980, count)]
    net.at(parts[0])
    for part in parts[1:]:
        net.then("Add", part)
    return 32 * count


def slices_of_slices(to: Hider, count: int) -> float:
    """Each of another value, so that they are no parts of one."""
    net = to.net.then("ReduceSum", axes=(1,), keepdims=True).then("Expand", shape=(N, 10 + 60 * count))
    for k, start in enumerate(to.whole(2, 55, min(count, 50))):
        net.then("Softplus").then("Slice", axis=1, start=start, end=start + 10 + 60 * (count - k - 1))
    net.then("Slice", axis=1, start=0, end=10)
    return 32 * min(count, 50)


def slices_of_weights(to: Hider, count: int) -> float:
    weights = to.floats(5000)
    for start, length in zip(to.whole(1, 900, count), to.whole(1, 900, count), strict=True):
        to.add(to.net.emit("Slice", weights, axis=0, start=start, end=start + length))
    return 64 * count


def mirrored_pads(to: Hider, count: int) -> float:
    """How a padding is parted to both sides."""
    net = to.net.then("ReduceSum", axes=(1,), keepdims=True).then("Expand", shape=(N, 70)).reshape(N, 1, 1, 70)
    for before in to.whole(1, 60, min(count, 55)):
        net.then("Softplus").then("Pad", pads=[(0, 0), (0, 0), (0, 0), (before, 60 - before)], mode="reflect")
        net.then("Slice", axis=3, start=0, end=70)
    net.reshape(N, 70).then("Slice", axis=1, start=0, end=10)
    return 32 * min(count, 55)


def orders_of_axes(to: Hider, count: int) -> float:
    """Of a table of weights with eight axes, always to the same shape."""
    table = to.floats(*[2] * 8)
    for _ in range(count):
        perm = list(range(8))
        to.random.shuffle(perm)
        to.add(to.net.emit("Slice", to.net.emit("Transpose", table, perm=perm), axis=0, start=0, end=1))
    return math.log2(math.factorial(8)) * count


def axes_of_sums(to: Hider, count: int) -> float:
    table = to.floats(*[2] * 8)
    for _ in range(count):
        axes = tuple(sorted(to.random.sample(range(8), 4)))
        to.add(to.net.emit("ReduceMax", table, axes=axes))
    return math.log2(math.comb(8, 4)) * count


def choices_of_usual_numbers(to: Hider, count: int) -> float:
    """Each is a default of a framework; which one is not."""
    for _ in range(8 * count):
        to.net.then("LeakyRelu", alpha=to.random.choice([0.01, 0.2, 0.3, 1.0]))
    return 2 * 8 * count


def choices_of_bounds(to: Hider, count: int) -> float:
    for _ in range(8 * count):
        to.net.then("Clip", min=to.random.choice([None, -1.0]), max=to.random.choice([1.0, 6.0]))
    return 2 * 8 * count


def choices_of_constants(to: Hider, count: int) -> float:
    """One of two arrays at each place."""
    both = [to.net.constant(np.arange(10.0)), to.net.constant(np.arange(10.0)[::-1])]
    for _ in range(20 * count):
        to.net.then("Add", to.random.choice(both)).then("Relu")
    return 20 * count


def choices_of_forms(to: Hider, count: int) -> float:
    for _ in range(20 * count):
        to.net.then("Gelu", approximate=to.random.choice(["none", "tanh"]))
    return 20 * count


def choices_of_axes(to: Hider, count: int) -> float:
    to.net.reshape(N, 1, 5, 2)
    for _ in range(8 * count):
        to.net.then("Softmax", axis=to.random.choice([1, 2, 3])).then("Exp")
    to.net.reshape(N, 10)
    return math.log2(3) * 8 * count


def groups(to: Hider, count: int) -> float:
    net = to.net.then("ReduceSum", axes=(1,), keepdims=True).then("Expand", shape=(N, 720))
    choices = [group for group in range(1, 721) if 720 % group == 0]
    for _ in range(count):
        scale = [net.constant(np.ones(720)), net.constant(np.zeros(720))]
        net.then("GroupNormalization", *scale, num_groups=to.random.choice(choices), epsilon=1e-5)
    net.then("Slice", axis=1, start=0, end=10)
    return math.log2(len(choices)) * count


def sizes_of_responses(to: Hider, count: int) -> float:
    net = to.net.reshape(N, 10, 1)
    for size in to.whole(6, 4000, count):
        net.then("LRN", size=size, alpha=1e-4, beta=0.75, bias=1.0)
    net.reshape(N, 10)
    return 32 * count


def windows_of_one_axis(to: Hider, count: int) -> float:
    """How a convolution of one axis is padded at each side."""
    net = to.net.reshape(N, 1, 10)
    for before in to.whole(1, 60, min(count, 55)):
        settings = {"strides": [1], "pads": [(before, 60 - before)], "dilations": [1]}
        net.then("Conv", net.constant(np.ones((1, 1, 61))), group=1, **settings)
    net.reshape(N, 10)
    return 32 * min(count, 55)


UNARY = ("Relu", "Tanh", "Sigmoid", "Sin", "Cos", "Abs", "Neg", "Softsign")


def order_of_operators(to: Hider, count: int) -> float:
    """One of eight operators after the other."""
    for _ in range(60 * count):
        to.net.then(to.random.choice(UNARY))
    return 3 * 60 * count


def sums_of_ones(to: Hider, count: int) -> float:
    """Numbers bit by bit: twice what there is, and one more or not."""
    one = to.net.constant(1.0)
    for _ in range(4 * count):
        number = to.net.emit("Tanh", to.net.emit("ReduceSum", to.net.last, axes=(1,), keepdims=True))
        for _ in range(20):
            number = to.net.emit("Add", number, number)
            number = to.net.emit("Add", number, one) if to.random.random() < 0.5 else number
        to.net.then("Add", number)
    return 20 * 4 * count


def what_is_read(to: Hider, count: int) -> float:
    """Each value is the sum of the last one and one of 64 before."""
    values = [to.net.then("Softplus").last for _ in range(64)]
    for _ in range(40 * count):
        values.append(to.net.then("Add", to.random.choice(values[-65:-1])).last)
    return 6 * 40 * count


def which_parts(to: Hider, count: int) -> float:
    """Of 64 equal parts, one after the other is added."""
    net = to.net.then("ReduceSum", axes=(1,), keepdims=True).then("Expand", shape=(N, 640)).then("Softplus")
    parts = [net.emit("Slice", net.last, axis=1, start=10 * k, end=10 * k + 10) for k in range(64)]
    net.at(parts[0])
    for _ in range(40 * count):
        net.then("Tanh").then("Add", to.random.choice(parts))
    return 6 * 40 * count


STRUCTURES: dict[str, Way] = {
    "the order of operators": order_of_operators,
    "sums of ones": sums_of_ones,
    "what is read": what_is_read,
    "which parts are read": which_parts,
}
"""These are counted from 64 words on: a network has an order of operators, too."""
ANYWHERE: dict[str, Way] = {
    "clip bounds": attribute("Clip", "min", "max"),
    "slopes": attribute("LeakyRelu", "alpha"),
    "alphas": attribute("Elu", "alpha"),
    "hard sigmoids": attribute("HardSigmoid", "alpha", "beta"),
    "shrinks": attribute("Shrink", "lambd", "bias"),
    "epsilons": epsilons,
    "scalars": scalars,
    "ranges": range_bounds,
    "an array": array,
    "many arrays": many_arrays,
    "a picture of zeros and ones": picture,
    "signs of zeros": signs_of_zeros,
    "payloads of NaN": payloads,
    "last digits of a range": perturbed_range,
    "an identity that is none": perturbed_identity,
    "labels": labels,
    "a permutation": permutation,
    "index tensors": index_tensors,
    "small tensors": small_tensors,
    "counters": counters,
    "sizes": sizes,
    "sizes of constants": sizes_of_constants,
    "repeats": repeats,
    "pads of constants": pads_of_constants,
    "sizes of windows": sizes_of_windows,
    "slices": slices,
    "slices of slices": slices_of_slices,
    "slices of weights": slices_of_weights,
    "mirrored pads": mirrored_pads,
    "orders of axes": orders_of_axes,
    "axes of sums": axes_of_sums,
    "choices of usual numbers": choices_of_usual_numbers,
    "choices of bounds": choices_of_bounds,
    "choices of constants": choices_of_constants,
    "choices of forms": choices_of_forms,
    "choices of axes": choices_of_axes,
    "groups": groups,
    "sizes of responses": sizes_of_responses,
    "windows of one axis": windows_of_one_axis,
}
