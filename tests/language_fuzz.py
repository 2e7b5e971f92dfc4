"""Random graphs of the language, over all its operators, with N anywhere in the shapes; and what they compute."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from harness.language.batch import Place
from harness.language.builder import Builder
from harness.language.graph import IMAGES, Graph, Kind, Value
from harness.language.interpreter import run
from harness.language.operators import OPERATORS
from harness.language.sizes import Dimension, N, Size
from harness.records.errors import ArtifactError

INPUTS = ((6,), (3, 4), (2, 4, 4), (1, 6, 6))
MOST = 600
"""Numbers of one image in one value."""
MOVING = (
    "Reshape Transpose Expand Concat Slice Gather Tile MatMul Gemm Conv BatchNormalization GroupNormalization ReduceMean "
    "LayerNormalization"
).split()
CHOICES = [*OPERATORS, *MOVING * 4, *["Folded", "Unfolded", "Together"] * 12]


def numbers_of(dimension: Dimension) -> int:
    return dimension.images if isinstance(dimension, Size) else dimension


class Maker:
    """Makes a graph, one random operator after the other. What the language refuses is left out."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        self.build = Builder(self.random.choice(INPUTS), ())
        self.values: list[Value] = [self.build.images]

    def made(self, count: int) -> Graph:
        while count:
            operator = self.random.choice(CHOICES)
            try:
                value = self.one(operator)
            except (ArtifactError, IndexError, ValueError):
                continue
            count -= 1
            if value is not None and self.is_small(value):
                self.values.append(value)
        return self.build.finish(self.values[-1]).graph

    def is_small(self, value: Value) -> bool:
        size = 1
        for dimension in value.shape:
            size *= numbers_of(dimension)
        return 0 < size <= MOST

    def value(self, *ranks: int, kind: Kind = Kind.FLOAT) -> Value:
        fitting = [v for v in self.values if v.kind is kind and (not ranks or v.rank in ranks)]
        return self.random.choice(fitting[-2:] if self.random.random() < 0.7 else fitting)

    def weight(self, *shape: Dimension) -> Value:
        """Fixed numbers, or a value that has the shape."""
        fitting = [v for v in self.values if v.shape == shape and v.kind is Kind.FLOAT]
        if fitting and (self.random.random() < 0.3 or any(isinstance(d, Size) for d in shape)):
            return self.random.choice(fitting)
        if any(isinstance(d, Size) for d in shape):
            return self.build.emit("Expand", self.build.constant(self.numbers.normal()), shape=shape)
        return self.build.constant(self.numbers.normal(size=shape))

    def axis(self, value: Value) -> int:
        return self.random.randrange(value.rank)

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def one(self, operator: str) -> Value | None:
        special = getattr(self, f"_{operator.lower()}", None)
        if special is not None:
            return special()
        row = OPERATORS[operator]
        if operator.startswith("Reduce"):
            return self._reduction(operator)
        if operator in ("Softmax", "LogSoftmax"):
            x = self.value()
            return self.build.emit(operator, x, axis=self.axis(x))
        inputs = [self.value()]
        inputs += [self._partner(inputs[0]) for _ in row.inputs[1:]]
        attributes = {a.name: self.pick(0.5, 0.01) for a in row.attributes if a.hides}
        return self.build.emit(operator, *inputs, **attributes)

    def _partner(self, x: Value) -> Value:
        """Something that broadcasts with a value, perhaps."""
        shape = tuple(1 if self.random.random() < 0.4 else d for d in x.shape[self.random.randrange(x.rank + 1) :])
        return self.pick(x, self.value(kind=x.kind), self.weight(*shape), self.weight(*shape))

    def _folded(self) -> Value:
        """Two axes as one, in the one order or the other."""
        x = self.value(2, 3, 4)
        axis = self.random.randrange(x.rank - 1)
        order = [*range(axis), *self.pick((axis, axis + 1), (axis + 1, axis)), *range(axis + 2, x.rank)]
        turned = self.build.emit("Transpose", x, perm=order)
        both = turned.shape[axis] * turned.shape[axis + 1]
        return self.build.emit("Reshape", turned, shape=(*turned.shape[:axis], both, *turned.shape[axis + 2 :]))

    def _unfolded(self) -> Value:
        """One axis as two."""
        x = self.value(1, 2, 3, 4)
        axis = self.axis(x)
        whole = numbers_of(x.shape[axis])
        part = self.pick(*[f for f in range(1, whole + 1) if whole % f == 0])
        parts = self.pick((part, x.shape[axis] // part), (x.shape[axis] // part, part))
        return self.build.emit("Reshape", x, shape=(*x.shape[:axis], *parts, *x.shape[axis + 1 :]))

    def _together(self) -> Value:
        """Two values of the same shape."""
        x = self.value()
        other = self.random.choice([v for v in self.values if v.shape == x.shape and v.name != x.name])
        return self.build.emit(self.pick("Add", "Mul"), x, other)

    def _where(self) -> Value:
        x = self.value()
        return self.build.emit("Where", self.build.emit("Less", x, self._partner(x)), x, self._partner(x))

    def _reduction(self, operator: str) -> Value:
        x = self.value()
        axes = tuple(sorted({self.axis(x) for _ in range(self.pick(1, 1, 2))}))
        return self.build.emit(operator, x, axes=axes, keepdims=self.pick(True, False))

    def _gemm(self) -> Value:
        a, transposed = self.value(2), self.pick(True, False)
        if self.random.random() < 0.3:  # images in B
            b = self.value(2)
            inner = b.shape[1] if transposed else b.shape[0]
            return self.build.emit("Gemm", self.weight(self.pick(2, 3), inner), b, transB=transposed)
        columns = self.pick(2, 3, 5)
        b = self.weight(*((columns, a.shape[1]) if transposed else (a.shape[1], columns)))
        bias = [self.weight(columns)] * self.pick(0, 1)
        return self.build.emit("Gemm", a, b, *bias, transB=transposed)

    def _matmul(self) -> Value:
        a = self.value(2, 3, 4)
        turned = self.build.emit("Transpose", a, perm=(*range(a.rank - 2), a.rank - 1, a.rank - 2))
        b = self.pick(turned, self.value(2, 3, 4), self.weight(a.shape[-1], self.pick(2, 3)))
        return self.build.emit("MatMul", *self.pick((a, b), (b, a), (self.weight(3, a.shape[-2]), a)))

    def _window(self, space: int) -> dict[str, Any]:
        return {
            "strides": [self.pick(1, 1, 2)] * space,
            "pads": [(self.pick(0, 1), self.pick(0, 1))] * space,
            "dilations": [self.pick(1, 1, 2)] * space,
        }

    def _conv(self) -> Value:
        x = self.value(3, 4, 5)
        group, kernel = self.pick(1, 1, 2), [self.pick(1, 2, 3)] * (x.rank - 2)
        channels = x.shape[1] if isinstance(x.shape[1], Size) else x.shape[1] // group
        w = self.weight(2 * group, channels, *kernel)
        bias = [self.weight(2 * group)] * self.pick(0, 1)
        return self.build.emit("Conv", x, w, *bias, group=group, **self._window(x.rank - 2))

    def _convtranspose(self) -> Value:
        x = self.value(3, 4)
        w = self.weight(x.shape[1], 2, *[self.pick(1, 2, 3)] * (x.rank - 2))
        rest = {"output_padding": [0] * (x.rank - 2)}
        return self.build.emit("ConvTranspose", x, w, **rest, **self._window(x.rank - 2))

    def _maxpool(self) -> Value:
        x = self.value(3, 4, 5)
        return self.build.emit("MaxPool", x, kernel_shape=[2] * (x.rank - 2), **self._window(x.rank - 2))

    def _averagepool(self) -> Value:
        x = self.value(3, 4, 5)
        window = self._window(x.rank - 2)
        return self.build.emit("AveragePool", x, kernel_shape=[2] * (x.rank - 2), count_include_pad=True, **window)

    def _adaptivemaxpool(self) -> Value:
        x = self.value(3, 4)
        return self.build.emit("AdaptiveMaxPool", x, sizes=[self.pick(1, 2)] * (x.rank - 2))

    def _adaptiveaveragepool(self) -> Value:
        x = self.value(3, 4)
        return self.build.emit("AdaptiveAveragePool", x, sizes=[self.pick(1, 2)] * (x.rank - 2))

    def _batchnormalization(self) -> Value:
        x = self.value(2, 3, 4)
        weights = [self.weight(x.shape[1]) for _ in range(2)]
        if self.random.random() < 0.3:
            return self.build.emit("BatchNormalization", x, *weights, epsilon=1e-3, training=True)
        statistics = [self.weight(x.shape[1]), self.build.emit("Abs", self.weight(x.shape[1]))]
        return self.build.emit("BatchNormalization", x, *weights, *statistics, epsilon=1e-3)

    def _layernormalization(self) -> Value:
        x = self.value()
        axis = self.axis(x)
        return self.build.emit("LayerNormalization", x, self.weight(*x.shape[axis:]), axis=axis, epsilon=1e-3)

    def _groupnormalization(self) -> Value:
        x = self.value(2, 3, 4)
        weights = [self.weight(x.shape[1]) for _ in range(2)]
        return self.build.emit("GroupNormalization", x, *weights, num_groups=self.pick(1, 2), epsilon=1e-3)

    def _lrn(self) -> Value:
        settings = {"size": self.pick(2, 3), "alpha": 0.1, "beta": 0.5, "bias": 1.0}
        return self.build.emit("LRN", self.value(3, 4), **settings)

    def _reshape(self) -> Value:
        """All the numbers of one image in other factors, and N with any of them."""
        x = self.value()
        left = 1
        for dimension in x.shape:
            left *= numbers_of(dimension)
        shape: list[Dimension] = []
        while left > 1 and len(shape) < 4:
            factor = self.pick(*[f for f in range(1, left + 1) if left % f == 0])
            shape.append(factor)
            left //= factor
        shape.append(left)
        if any(isinstance(d, Size) for d in x.shape):
            place = self.random.randrange(len(shape) + 1)
            if self.pick(True, False) or place == len(shape):
                shape.insert(place, N)
            else:
                shape[place] = N * shape[place]
        return self.build.emit("Reshape", x, shape=tuple(shape))

    def _transpose(self) -> Value:
        x = self.value()
        perm = list(range(x.rank))
        self.random.shuffle(perm)
        return self.build.emit("Transpose", x, perm=tuple(perm))

    def _expand(self) -> Value:
        x = self.pick(self.value(), self.weight(self.pick(1, 3)))
        front = self.pick((), (2,), (N,), (N * 2,))
        return self.build.emit("Expand", x, shape=(*front, *(self.pick(2, d) if d == 1 else d for d in x.shape)))

    def _concat(self) -> Value:
        x = self.value()
        others = [v for v in self.values if v.rank == x.rank and v.kind is x.kind and v.shape == x.shape]
        parts = [x, self.random.choice(others), self._partner(x)][: self.pick(2, 2, 3)]
        return self.build.emit("Concat", *parts, axis=self.axis(x))

    def _slice(self) -> Value:
        x = self.value()
        axis = self.axis(x)
        whole = x.shape[axis]
        start, end = self.pick((0, whole), (0, N), (N, whole), (0, N * 2), (0, 1), (1, whole), (1, 2))
        step = self.pick(1, 1, 1, -1, 2)
        return self.build.emit("Slice", x, axis=axis, start=start, end=end, step=step)

    def _gather(self) -> Value:
        x = self.value()
        if self.random.random() < 0.4:  # numbers of the images choose from a table, or from the images
            table = self.pick(self.build.constant(self.numbers.normal(size=(2, 3))), x)
            axis = self.pick(*[k for k, size in enumerate(table.shape) if size != 1])
            chosen = self.build.emit("Less", self.value(), self.build.constant(0.1))
            index = self.build.emit("Cast", chosen, to="int")
            return self.build.emit("Gather", table, index, axis=axis)
        axis = self.axis(x)
        most = 2 if isinstance(x.shape[axis], Size) else x.shape[axis]
        index = self.numbers.integers(0, most, size=self.pick((), (2,), (3,), (2, 2)))
        return self.build.emit("Gather", x, self.build.constant(index, Kind.INT), axis=axis)

    def _pad(self) -> Value:
        x = self.value()
        pads = [(0, 0)] * x.rank
        pads[self.axis(x)] = self.pick((1, 0), (1, 1), (0, 2))
        return self.build.emit("Pad", x, pads=pads, mode=self.pick("constant", "constant", "reflect", "edge"))

    def _tile(self) -> Value:
        x = self.value()
        repeats = [1] * x.rank
        repeats[self.axis(x)] = self.pick(2, 3)
        return self.build.emit("Tile", x, repeats=repeats)

    def _range(self) -> Value:
        return self.build.emit("Cast", self.build.emit("Range", start=0, limit=self.pick(2, 4), delta=1), to="float")

    def _cast(self) -> Value:
        whole = self.build.emit("Cast", self.value(), to=self.pick("int", "bool"))
        return self.build.emit("Cast", whole, to="float")

    def _gridsample(self) -> Value:
        x = self.value(4)
        grid = self.build.emit("Tanh", self.weight(x.shape[0], 2, 3, 2))
        return self.build.emit("GridSample", x, grid)

    def _affinegrid(self) -> Value:
        theta = self.pick(self.weight(N, 2, 3), self.weight(1, 2, 3))
        return self.build.emit("AffineGrid", theta, size=(theta.shape[0], 1, 3, 3))

    def _resize(self) -> Value:
        settings = {"mode": self.pick("nearest", "linear"), "coordinates": "half_pixel"}
        return self.build.emit("Resize", self.value(4), sizes=(self.pick(2, 5), 3), **settings)

    def _randomuniform(self) -> None:
        """What is random has a test of its own."""

    _randomnormal = _bernoulli = _dropout = _randomuniform


def computed(graph: Graph, names: Collection[str], images: np.ndarray) -> Mapping[str, np.ndarray]:
    """The numbers of some nodes, which need no others, for a batch."""
    nodes = tuple(node for node in graph.nodes if node.name in names)
    return run(replace(graph, nodes=nodes, output=IMAGES), {}, images, keep=[node.name for node in nodes]).kept


def image_by_image(value: Value, place: Place, numbers: np.ndarray) -> np.ndarray:
    """The numbers of a value with the images first: its axis is outside * N * inside."""
    inside = numbers_of(value.shape[place.axis]) // place.outside
    before, after = numbers.shape[: place.axis], numbers.shape[place.axis + 1 :]
    return np.moveaxis(numbers.reshape(*before, place.outside, -1, inside, *after), place.axis + 1, 0)
