"""One form for what can be written in several: the rules keep every number, and reach the form they promise."""

import random

import numpy as np
import pytest
from language_graphs import written

from harness.language.builder import Builder
from harness.language.interpreter import run
from harness.language.sizes import N, Size
from harness.records.errors import ArtifactError
from harness.records.graph import Tensor, TensorKind

TENSORS = [
    Tensor(f"t{k}", TensorKind.PARAMETER, True, shape, "F32") for k, shape in enumerate([(), (2,), (3, 1), (2, 3, 4)])
]


class Both:
    """The same program twice: simplified, and as it is."""

    def __init__(self):
        self.builds = [Builder((2, 3, 4), TENSORS) for _ in range(2)]
        self.values = [
            tuple(build.values[name] for build in self.builds) for name in ("images", "t0", "t1", "t2", "t3")
        ]

    def emit(self, operator, *inputs, **attributes):
        simple, plain = self.builds
        value = written(plain, operator, *(pair[1] for pair in inputs), **attributes)
        self.values.append((simple.emit(operator, *(pair[0] for pair in inputs), **attributes), value))
        assert self.values[-1][0].shape == value.shape and self.values[-1][0].kind == value.kind


def step(both, chance):
    """One more operator on values that are there, most often on the last one."""
    x, other = (both.values[-1] if chance.random() < 0.6 else chance.choice(both.values) for _ in range(2))
    shape, axes = x[1].shape, list(range(x[1].rank))
    axis = chance.choice(axes or [0])
    kept = chance.random() < 0.5
    sizes = [d for d in shape if not isinstance(d, Size)]
    zero_or_one = chance.choice([0.0, 1.0])
    number = tuple(build.constant(zero_or_one) for build in both.builds)
    moves = [
        lambda: both.emit("Transpose", x, perm=tuple(chance.sample(axes, len(axes)))),
        lambda: both.emit("Reshape", x, shape=regrouped(shape, chance)),
        lambda: both.emit(chance.choice(["Relu", "Sin", "Neg", "StopGradient"]), x),
        lambda: both.emit("Dropout", x, ratio=0.5),
        lambda: both.emit(chance.choice(["Add", "Mul", "Max", "PRelu"]), x, other),
        lambda: both.emit("Where", both.values[-1], x, other),
        lambda: both.emit("Sub", x, number),
        lambda: both.emit("Mul", number, x),
        lambda: both.emit("Expand", x, shape=chance.choice([(N, 2, 3, 4), (2, 1, 1, 1, 1), shape])),
        lambda: both.emit("Pad", x, pads=tuple((chance.randrange(2), 0) for _ in axes)),
        lambda: both.emit("Slice", x, axis=axis, start=chance.randrange(2), end=shape[axis]),
        lambda: both.emit("Slice", x, axis=axis, start=0, end=shape[axis], step=chance.choice([1, -1])),
        lambda: both.emit("Concat", x, *chance.choice([(), (x,), (other,)]), axis=axis),
        lambda: both.emit("ReduceSum", x, axes=tuple(sorted(chance.sample(axes, min(2, len(axes))))), keepdims=kept),
        lambda: both.emit("ReduceMax", x, axes=(axis,), keepdims=kept),
        lambda: both.emit(chance.choice(["Softmax", "LogSoftmax"]), x, axis=axis),
        lambda: both.emit("Cast", x, to="float"),
        lambda: both.emit("MatMul", x, other),
        lambda: both.emit("Tile", x, repeats=(1,) * len(axes)),
    ]
    if len(sizes) < 7:
        chance.choice(moves)()


def regrouped(shape, chance):
    """Another shape of as many numbers: two neighboring axes as one, or one more axis."""
    if len(shape) > 1 and chance.random() < 0.5:
        k = chance.randrange(len(shape) - 1)
        return (*shape[:k], shape[k] * shape[k + 1], *shape[k + 2 :])
    k = chance.randrange(len(shape) + 1)
    return (*shape[:k], 1, *shape[k:])


def program(seed):
    chance, both = random.Random(seed), Both()
    while len(both.values) < 25:
        try:
            step(both, chance)
        except (ArtifactError, IndexError, ValueError):
            continue
    return both


def outputs(both, pair, count):
    """A value of both programs, computed with the same numbers. What one drops, the other drops."""
    random_numbers = np.random.default_rng(7)
    weights = {tensor.name: random_numbers.standard_normal(tensor.shape) for tensor in TENSORS}
    images = random_numbers.standard_normal((count, 2, 3, 4))
    for build, value in zip(both.builds, pair, strict=True):
        graph = build.finish(value).graph
        draws = {
            n.name: np.ones([d.at(count) if isinstance(d, Size) else d for d in graph.values[n.name].shape])
            for n in graph.nodes
        }
        yield run(graph, weights, images, draws).output


@pytest.mark.parametrize("seed", range(120))
def test_a_simplified_graph_gives_the_same_numbers(seed):
    both = program(seed)
    for pair in both.values[-6:]:
        for count in (1, 3):
            simplified, plain = outputs(both, pair, count)
            assert np.allclose(simplified, plain, rtol=1e-9, atol=1e-12)
