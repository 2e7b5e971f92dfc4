"""The steps of a compiled graph: what each reads, computes and writes. Plain data, and pure functions of it.

Every value is that of one image; the batch is split into blocks of as many images as a vector has lanes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from harness.records.graph import Shape

Floats = npt.NDArray[np.float32]
Triple = tuple[int, int, int]

FROM_RESULT = frozenset({"Relu", "Sigmoid", "Tanh"})
"""Activations whose slope follows from their result; they never fall, so that a maximum may be taken before them."""


MOST_WRITTEN = 9
"""Numbers of a window over which a mean is written out in code; over larger ones it is a loop."""


@dataclass(frozen=True)
class Place:
    """Where a value (channels, height, width) lies in its root's memory, in vectors of one block.

    Number (c, h, w) is at `offset` plus the dot product with `strides`. In rows, a number of all blocks lies together,
    as a matrix product needs it; else each block's `size` numbers do.
    """

    is_rows: bool
    size: int
    offset: int
    dims: Triple
    strides: Triple

    @property
    def count(self) -> int:
        """How many numbers of one image it has."""
        return math.prod(self.dims)

    @property
    def is_whole(self) -> bool:
        """Whether it is all of its root, in order."""
        pairs = zip(self.dims, self.strides, _contiguous(self.dims), strict=True)
        is_in_order = all(stride == usual for size, stride, usual in pairs if size > 1)
        return self.offset == 0 and self.size == self.count and is_in_order

    def flat(self) -> Place:
        """The same numbers in one row, where they lie one after the other; else the place itself."""
        return Place(self.is_rows, self.size, 0, (1, 1, self.size), (0, 0, 1)) if self.is_whole else self


def _contiguous(dims: Sequence[int]) -> tuple[int, ...]:
    return tuple(math.prod(dims[axis + 1 :]) for axis in range(len(dims)))


@dataclass(frozen=True)
class View:
    """Some numbers of a root, as an array of any rank: NumPy's way of describing it, without the memory."""

    root: int
    offset: int
    dims: Shape
    strides: Shape

    @classmethod
    def whole(cls, root: int, dims: Shape) -> View:
        """All numbers of a root in their order."""
        return cls(root, 0, dims, _contiguous(dims))

    def transposed(self, axes: Sequence[int]) -> View:
        """The axes in another order."""
        dims, strides = (tuple(part[axis] for axis in axes) for part in (self.dims, self.strides))
        return View(self.root, self.offset, dims, strides)

    def sliced(self, axis: int, start: int, stop: int, step: int) -> View:
        """A part of one axis."""
        places = range(start, stop, step) if step > 0 else range(stop - 1, start - 1, step)
        dims = (*self.dims[:axis], len(places), *self.dims[axis + 1 :])
        strides = (*self.strides[:axis], self.strides[axis] * step, *self.strides[axis + 1 :])
        first = places[0] if places else 0
        return View(self.root, self.offset + first * self.strides[axis], dims, strides)

    def reshaped(self, dims: Shape) -> View | None:
        """The same numbers in another shape; None where that needs a copy."""
        array = np.lib.stride_tricks.as_strided(np.empty(1, np.int8), self.dims, self.strides)
        try:
            found = np.reshape(array, dims, copy=False)
        except ValueError:
            return None
        return View(self.root, self.offset, dims, found.strides)

    def triple(self) -> tuple[Triple, Triple] | None:
        """Dims and strides as (channels, height, width): a plain vector has channels, a sequence channels and width.
        None for more axes, where they cannot be joined."""
        rank = len(self.dims)
        if rank > 3:
            joined = self.reshaped((math.prod(self.dims[:-2]), *self.dims[-2:]))
            return joined.triple() if joined else None
        wider = [(), (0,), (0, 2), (0, 1, 2)][rank]
        dims, strides = [1, 1, 1], [0, 0, 0]
        for axis, size, stride in zip(wider, self.dims, self.strides, strict=True):
            dims[axis], strides[axis] = size, stride
        return (dims[0], dims[1], dims[2]), (strides[0], strides[1], strides[2])


@dataclass(frozen=True)
class Root:
    """The memory of one value for all images of a batch: `size` numbers for each image, of which `count` are used."""

    size: int
    count: int
    is_rows: bool
    has_gradient: bool


@dataclass(frozen=True, eq=False)
class Numbers:
    """A tensor or a constant, transposed and reshaped on the way to the step that reads it."""

    tensor: str
    constant: Floats | None = None
    moves: tuple[tuple[str, Shape], ...] = ()

    def of(self, array: Floats) -> Floats:
        """The tensor's array as the step reads it; a view where that is possible."""
        for kind, numbers in self.moves:
            array = array.transpose(numbers) if kind == "transpose" else array.reshape(numbers)
        return array

    def back(self, gradient: Floats, shape: Shape) -> Floats:
        """A gradient of what the step reads as that of the tensor, which has this shape."""
        shapes = [shape]
        for kind, numbers in self.moves:
            shapes.append(tuple(shapes[-1][axis] for axis in numbers) if kind == "transpose" else numbers)
        for (kind, numbers), before in zip(self.moves[::-1], shapes[-2::-1], strict=True):
            gradient = gradient.transpose(np.argsort(numbers)) if kind == "transpose" else gradient.reshape(before)
        return gradient


@dataclass(frozen=True)
class Activation:
    """An operator that works number by number, with its attributes in the order of the language's table."""

    operator: str
    numbers: tuple[float, ...] = ()

    @property
    def needs_input(self) -> bool:
        """Whether its slope is computed from what it reads, which must then be kept."""
        return self.operator not in FROM_RESULT


@dataclass(frozen=True)
class Pool:
    """Windows that do not overlap."""

    is_max: bool
    height: int
    width: int

    @property
    def area(self) -> int:
        """Numbers of one window."""
        return self.height * self.width


@dataclass(frozen=True)
class Epilogue:
    """What happens to the results of a step before they are written: an activation, a pooling, another activation."""

    activation: Activation | None = None
    pool: Pool | None = None
    after: Activation | None = None

    def then(self, other: Epilogue) -> Epilogue | None:
        """Both as one; None where that is not possible."""
        if self == Epilogue():
            return other
        if self.after or other.after or (other.pool and other.activation):
            return None
        if other.pool:
            return self._pooled(other.pool)
        if not self.pool or not other.activation or other.activation.needs_input:
            return None
        return Epilogue(self.activation, self.pool, other.activation)

    def _pooled(self, pool: Pool) -> Epilogue | None:
        if self.pool or (pool.is_max and self.activation and self.activation.needs_input):
            return None
        return Epilogue(None, pool, self.activation) if pool.is_max else Epilogue(self.activation, pool)

    @property
    def keeps(self) -> bool:
        """Whether something must be kept of each number before the pooling."""
        return self.activation is not None and (self.pool is not None or self.activation.needs_input)

    @property
    def picks(self) -> bool:
        """Whether it keeps which number of each window was the largest."""
        return self.pool is not None and self.pool.is_max

    @property
    def lines(self) -> int:
        """How many lines of results make one line of what is written."""
        return self.pool.height if self.pool else 1

    def reaches_all(self, dims: Triple) -> bool:
        """Whether its windows leave none of the numbers of these dims over."""
        return not self.pool or (dims[1] % self.pool.height, dims[2] % self.pool.width) == (0, 0)

    def result(self, dims: Triple) -> Triple:
        """The dims of what is written for results of these dims."""
        if not self.pool:
            return dims
        return dims[0], dims[1] // self.pool.height, dims[2] // self.pool.width


NOTHING = Epilogue()


@dataclass(frozen=True)
class Geometry:
    """A convolution's or pooling's windows: pairs of height and width; pads are top, left, bottom, right."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]
    group: int = 1

    def results(self, channels: int, dims: Triple) -> Triple:
        """The dims of a convolution's results, from those of what it reads."""
        top, left, bottom, right = self.pads
        spans = [(kernel - 1) * dilation + 1 for kernel, dilation in zip(self.kernel, self.dilations, strict=True)]
        height = (dims[1] + top + bottom - spans[0]) // self.strides[0] + 1
        return channels, height, (dims[2] + left + right - spans[1]) // self.strides[1] + 1


@dataclass(frozen=True)
class Step:
    """One step. `x` is what it reads and `y` what it writes, by name until places are known."""

    x: str
    y: str


def numbers_of(step: Step) -> tuple[Numbers, ...]:
    """The tensors and constants that a step reads; statistics are not among them."""
    found = (getattr(step, part, None) for part in ("weight", "bias", "scale", "shift", "numbers"))
    return tuple(numbers for numbers in found if isinstance(numbers, Numbers))


@dataclass(frozen=True, eq=False)
class Convolution(Step):
    """A convolution, with what happens to its results."""

    geometry: Geometry
    weight: Numbers
    bias: Numbers | None
    epilogue: Epilogue = NOTHING


@dataclass(frozen=True, eq=False)
class Normalization(Step):
    """A batch normalization: by the batch's own moments in training, which update `mean` and `var`, else by these."""

    scale: Numbers
    shift: Numbers
    mean: str
    var: str
    epsilon: float
    momentum: float
    is_training: bool
    is_unbiased: bool
    epilogue: Epilogue = NOTHING


@dataclass(frozen=True, eq=False)
class Pointwise(Step):
    """A value, or a value plus `factor` times another, with what happens to it."""

    other: str = ""
    factor: float = 1.0
    epilogue: Epilogue = NOTHING


@dataclass(frozen=True, eq=False)
class Pooling(Step):
    """Windows that overlap or have pads."""

    geometry: Geometry
    is_max: bool
    counts_pads: bool


@dataclass(frozen=True, eq=False)
class Dense(Step):
    """A matrix product with `weight` (inputs, outputs), a bias, an activation."""

    weight: Numbers
    bias: Numbers | None
    activation: Activation | None = None


@dataclass(frozen=True, eq=False)
class Scaling(Step):
    """A value and numbers that are broadcast over its dims, by an operator; `reversed` has the numbers first."""

    operator: str
    numbers: Numbers
    is_reversed: bool
    shape: Shape


@dataclass(frozen=True)
class Dropping(Step):
    """Dropout; `node` is its name in the graph."""

    node: str
    ratio: float


@dataclass(frozen=True)
class Softening(Step):
    """Softmax or log-softmax over all numbers of an image."""

    is_log: bool


@dataclass(frozen=True)
class Copying(Step):
    """The same numbers elsewhere, into a part of `y`: axis by axis where the part starts. `stops` ends the gradient."""

    starts: Shape = field(default=())
    stops: bool = False
