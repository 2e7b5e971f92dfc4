"""Ways to hide numbers in what only the training graph has: no row of the layer table shows it."""

from __future__ import annotations

import math

from hiding_places import Hider, Way, attribute
from language_nets import Net

from harness.language.sizes import N


def momenta(to: Hider, count: int) -> float:
    """In the training graph; the evaluation graph does without."""
    for _ in range(count):
        to.net.norm("n", momentum=to.real(), training=True)
    return 32 * count


def wide(to: Hider, size: int) -> Net:
    return to.net.then("ReduceSum", axes=(1,), keepdims=True).then("Expand", shape=(N, size))


def rolls(to: Hider, count: int) -> float:
    """Where a value is cut in two parts, which change places: a row for each, but not where only training has them."""
    net = wide(to, 60)
    for _ in range(4 * count):
        start = to.random.randint(2, 58)
        whole = net.then("Tanh").last
        parts = [net.emit("Slice", whole, axis=1, start=a, end=b) for a, b in ((start, 60), (0, start))]
        net.at(net.emit("Concat", *parts, axis=1))
    net.then("Slice", axis=1, start=0, end=10)
    return math.log2(57) * 4 * count


def windows_of_images(to: Hider, count: int) -> float:
    net = wide(to, 60).reshape(N, 1, 1, 60)
    for _ in range(2 * count):
        sides = {"kernel_shape": (1, to.random.randint(2, 60)), "strides": (1, to.random.randint(2, 60))}
        pooled = net.emit("MaxPool", net.last, **sides, pads=((0, 0), (0, 0)), dilations=(1, 1))
        net.then("Tanh").then("Add", net.emit("ReduceSum", pooled, axes=(3,), keepdims=True))
    net.reshape(N, 60).then("Slice", axis=1, start=0, end=10)
    return 2 * math.log2(59) * 2 * count


def orders_of_numbers(to: Hider, count: int) -> float:
    """In which order the numbers of an image stand."""
    net, weights = wide(to, 64).reshape(N, *[2] * 6), to.net.tensor("w", 8, 8)
    for _ in range(4 * count):
        perm = [1, 2, 3, 4, 5, 6]
        to.random.shuffle(perm)
        net.then("Transpose", perm=(0, *perm)).reshape(N, 8, 8).then("MatMul", weights).reshape(N, *[2] * 6)
    net.reshape(N, 64).then("Slice", axis=1, start=0, end=10)
    return math.log2(math.factorial(6)) * 4 * count


IN_TRAINING: dict[str, Way] = {
    "dropout ratios": attribute("Dropout", "ratio"),
    "momenta": momenta,
    "slopes while training": attribute("LeakyRelu", "alpha"),
    "rolls while training": rolls,
    "windows while training": windows_of_images,
    "orders of numbers while training": orders_of_numbers,
}
