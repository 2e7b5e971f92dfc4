"""Graphs of one operator each: for every row of the table some settings, with random numbers to compute with.

Each tensor is also given with its axes in another order, and a Transpose in front of the operator: a lowering may not
depend on where the axes of its inputs are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.language.builder import Builder
from harness.language.checking import checked
from harness.language.graph import Graph, Kind, Value
from harness.language.operators import OPERATORS
from harness.language.sizes import N
from harness.records.graph import Tensor, TensorKind

Arrays = dict[str, npt.NDArray[Any]]
COUNT = 3


@dataclass(frozen=True)
class Of:
    """An input: its shape, its kind, and the range of its numbers."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    kind: str = "float"


@dataclass(frozen=True)
class Case:
    """An operator on the images, if `images` is their shape, and on tensors."""

    operator: str
    inputs: Sequence[Of] = ()
    images: tuple[int, ...] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For the test's id."""
        shapes = [self.images, *(of.shape for of in self.inputs)]
        settings = " ".join(f"{k}={v}" for k, v in self.attributes.items())
        return f"{self.operator} {'x'.join(str(s) for s in shapes if s is not None)} {settings}".replace("'", "")


@dataclass(frozen=True)
class Ready:
    """A case as a graph, with its tensors, the images and, for a random operator, what was drawn."""

    graph: Graph
    tensors: Arrays
    images: npt.NDArray[np.float64]
    drawn: Arrays


def ready(case: Case, chance: np.random.Generator, moves_axes: bool) -> Ready:
    """The graph of a case. With `moves_axes` there is a Transpose before each input."""
    shape = case.images or (1,)
    perms = [_perm(len(of.shape), moves_axes) for of in case.inputs]
    stored = [_numbers(of, chance).transpose(np.argsort(perm)) for of, perm in zip(case.inputs, perms, strict=True)]
    specs = [_tensor(f"t{k}", array) for k, array in enumerate(stored)]
    perm = _perm(len(shape) + 1, moves_axes and len(shape) > 1)
    outer = tuple(shape[axis - 1] for axis in np.argsort(perm)[1:])
    build = Builder(outer, specs)
    values = [_moved(build, build.values[f"t{k}"], perm) for k, perm in enumerate(perms)]
    if case.images is not None:
        values.insert(0, _moved(build, build.images, perm))
    result = _written(build, case.operator, values, case.attributes)
    if result.kind is not Kind.FLOAT:
        result = _written(build, "Cast", [result], {"to": "float"})
    graph = build.finish(result).graph
    images = chance.uniform(-2, 2, (COUNT, *outer))
    drawn = _drawn(graph, chance)
    return Ready(graph, {f"t{k}": array for k, array in enumerate(stored)}, images, drawn)


def _perm(rank: int, moves_axes: bool) -> list[int]:
    """Channels last to channels first, and a matrix transposed: the first axis stays in three and more."""
    if not moves_axes or rank < 2:
        return list(range(rank))
    return [1, 0] if rank == 2 else [0, rank - 1, *range(1, rank - 1)]


def _numbers(of: Of, chance: np.random.Generator) -> npt.NDArray[Any]:
    if of.kind == "float":
        return chance.uniform(of.low, of.high, of.shape)
    return chance.integers(int(of.low), int(of.high), of.shape).astype(np.int64 if of.kind == "int" else np.bool_)


def _tensor(name: str, array: npt.NDArray[Any]) -> Tensor:
    dtype = {"f": "F32", "i": "I64", "b": "BOOL"}[array.dtype.kind]
    return Tensor(name, TensorKind.PARAMETER, dtype == "F32", array.shape, dtype)


def _moved(build: Builder, value: Value, perm: Sequence[int]) -> Value:
    is_same = list(perm) == list(range(value.rank))
    return value if is_same else _written(build, "Transpose", [value], {"perm": tuple(perm)})


def _written(build: Builder, operator: str, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> Value:
    """A node as it is, not simplified."""
    read, shape, kind = checked(operator, inputs, attributes)
    return build.write(operator, inputs, read, shape, kind)


def _drawn(graph: Graph, chance: np.random.Generator) -> Arrays:
    from harness.language.sizes import at

    shapes = {node.name: at(graph.values[node.name].shape, COUNT) for node in graph.nodes}
    random = [node for node in graph.nodes if OPERATORS[node.operator].is_random]
    return {node.name: chance.integers(0, 2, shapes[node.name]).astype(np.float64) for node in random}


def _window(
    kernel: Sequence[int], strides: Any = 1, pads: Any = (0, 0), dilations: Any = 1, **more: Any
) -> dict[str, Any]:
    axes = len(kernel)
    settings = {"strides": strides, "dilations": dilations}
    spread = {name: (value,) * axes if isinstance(value, int) else value for name, value in settings.items()}
    return {**spread, "pads": (pads,) * axes if isinstance(pads[0], int) else pads, **more}


def _convolutions() -> Iterator[Case]:
    for shape, kernel, more in (
        ((4, 9, 8), (5, 4, 3, 2), _window((3, 2))),
        ((4, 9, 8), (5, 4, 3, 3), _window((3, 3), 2, (1, 1))),
        ((4, 9, 8), (5, 4, 3, 3), _window((3, 3), 1, (1, 1))),
        ((4, 9, 8), (5, 4, 4, 5), _window((4, 5), (2, 3), ((0, 1), (2, 0)))),
        ((4, 9, 8), (5, 4, 3, 3), _window((3, 3), 1, (2, 2), 2)),
        ((4, 9, 8), (6, 2, 3, 3), _window((3, 3), 2, (1, 0), (1, 3), group=2)),
        ((4, 9, 8), (8, 1, 3, 3), _window((3, 3), 1, (1, 1), group=4)),
        ((4, 9, 8), (4, 1, 3, 3), _window((3, 3), (1, 2), (1, 2), 2, group=4)),
        ((4, 9), (6, 2, 3), _window((3,), 2, (1, 1), 2, group=2)),
        ((4, 9), (8, 1, 3), _window((3,), 1, (1, 1), group=4)),
        ((3, 5, 6, 7), (4, 3, 2, 3, 3), _window((2, 3, 3), (1, 2, 1), (1, 1), (1, 1, 2))),
        ((4, 5, 6, 7), (4, 2, 2, 3, 3), _window((2, 3, 3), 1, (1, 1), group=2)),
    ):
        yield Case("Conv", [Of(kernel)], shape, more)
        yield Case("Conv", [Of(kernel), Of((kernel[0],))], shape, more)


def _transposed_convolutions() -> Iterator[Case]:
    for shape, kernel, more in (
        ((4, 5, 6), (4, 3, 3, 2), _window((3, 2), output_padding=(0, 0))),
        ((4, 5, 6), (4, 3, 3, 3), _window((3, 3), 2, (1, 1), output_padding=(1, 1))),
        ((4, 5, 6), (4, 3, 3, 3), _window((3, 3), 2, (0, 1), output_padding=(0, 0))),
        ((4, 5, 6), (4, 3, 3, 2), _window((3, 2), (3, 1), ((2, 0), (0, 1)), (1, 2), output_padding=(2, 1))),
        ((4, 5, 6), (4, 3, 3, 3), _window((3, 3), 2, (1, 2), output_padding=(0, 1), group=2)),
        ((4, 5), (4, 2, 3), _window((3,), 2, (1, 1), output_padding=(1,))),
        ((3, 3, 4, 3), (3, 2, 2, 3, 2), _window((2, 3, 2), 2, (0, 1), output_padding=(0, 1, 0))),
    ):
        yield Case("ConvTranspose", [Of(kernel)], shape, more)
        yield Case("ConvTranspose", [Of(kernel), Of((kernel[1] * more.get("group", 1),))], shape, more)


def _of_tensors() -> Iterator[Case]:
    """Their batch is not the images'."""
    yield Case("Conv", [Of((2, 3, 6, 5)), Of((4, 3, 2, 2))], None, _window((2, 2), 1, (1, 0)))
    yield Case("ConvTranspose", [Of((2, 3, 6, 5)), Of((3, 4, 2, 2))], None, _window((2, 2), 2, output_padding=(0, 0)))
    yield Case("MaxPool", [Of((2, 3, 6, 5))], None, _window((2, 2), 2, kernel_shape=(2, 2)))


def _pools() -> Iterator[Case]:
    for shape, kernel, more in (
        ((3, 8, 9), (2, 2), _window((2, 2), 2)),
        ((3, 8, 9), (3, 2), _window((3, 2), 2, ((1, 1), (0, 1)))),
        ((3, 8, 9), (3, 3), _window((3, 3), 2, (1, 1), ceil_mode=True)),
        ((3, 7, 9), (3, 3), _window((3, 3), (1, 2), (2, 1), 2)),
        ((3, 8, 9), (2, 2), _window((2, 2), 2, ceil_mode=True)),
        ((3, 9), (3,), _window((3,), 2, (1, 1))),
        ((3, 5, 6, 7), (2, 3, 2), _window((2, 3, 2), (2, 2, 1), (1, 1), ceil_mode=True)),
    ):
        yield Case("MaxPool", [], shape, more | {"kernel_shape": kernel})
        for counts in (True, False):
            yield Case("AveragePool", [], shape, more | {"kernel_shape": kernel, "count_include_pad": counts})
    for shape, sizes in (((3, 8, 9), (4, 3)), ((3, 8, 9), (3, 5)), ((3, 7), (4,)), ((3, 5, 4, 3), (2, 3, 1))):
        yield Case("AdaptiveMaxPool", [], shape, {"sizes": sizes})
        yield Case("AdaptiveAveragePool", [], shape, {"sizes": sizes})


def _normalizations() -> Iterator[Case]:
    positive = Of((4,), 0.5, 2)
    for shape in ((4,), (4, 5), (4, 3, 5), (4, 2, 3, 2)):
        four = [Of((4,)), Of((4,))]
        yield Case("BatchNormalization", [*four, Of((4,)), positive], shape, {"epsilon": 1e-3})
        yield Case("BatchNormalization", four, shape, {"epsilon": 1e-3, "training": True})
        for unbiased in (False, True):
            settings = {"epsilon": 1e-3, "training": True, "momentum": 0.9, "unbiased": unbiased}
            yield Case("BatchNormalization", [*four, Of((4,)), positive], shape, settings)
        yield Case("GroupNormalization", four, shape, {"num_groups": 2, "epsilon": 1e-5})
    yield Case("LayerNormalization", [Of((5, 3)), Of((5, 3))], (4, 5, 3), {"axis": 2, "epsilon": 1e-5})
    yield Case("LayerNormalization", [Of((3,))], (4, 5, 3), {"axis": 3, "epsilon": 1e-5})
    for shape, size in (((7, 3, 4), 5), ((7, 3), 4), ((3, 2, 2, 3), 9)):
        yield Case("LRN", [], shape, {"size": size, "alpha": 0.3, "beta": 0.75, "bias": 1.5})


def _moves() -> Iterator[Case]:
    yield Case("Reshape", [], (4, 3, 5), {"shape": (N, 60)})
    yield Case("Reshape", [], (4, 6), {"shape": (2 * N, 3, 4)})
    yield Case("Reshape", [Of((4, 6))], None, {"shape": (3, 8)})
    yield Case("Transpose", [], (4, 3, 5), {"perm": (2, 0, 3, 1)})
    yield Case("Transpose", [Of((4, 6))], None, {"perm": (1, 0)})
    yield Case("Expand", [Of((4, 1))], None, {"shape": (N, 4, 3)})
    yield Case("Expand", [], (4, 1, 5), {"shape": (2, 1, 4, 3, 1)})
    yield Case("Expand", [Of(())], None, {"shape": (N, 2)})
    for axis in (0, 1, 3):
        yield Case("Slice", [Of((4, 6, 5, 7))], None, {"axis": axis, "start": 1, "end": 4, "step": 2})
    yield Case("Slice", [], (4, 5), {"axis": 0, "start": 1, "end": N, "step": 1})
    yield Case("Slice", [], (4, 5), {"axis": 0, "start": 0, "end": N, "step": -1})
    yield Case("Slice", [], (4, 5, 3), {"axis": 2, "start": 0, "end": 5, "step": -2})
    for axis in (0, 1, 2):
        indices = Of((2, 3), -3, 3, "int")
        yield Case("Gather", [Of((3, 4, 5)), indices], None, {"axis": axis})
    yield Case("Gather", [Of((3, 4, 5)), Of((), 0, 3, "int")], None, {"axis": 1})
    yield Case("Pad", [], (4, 3, 5), {"pads": ((0, 0), (0, 1), (2, 0), (1, 2)), "value": 0.5})
    for mode in ("reflect", "edge"):
        yield Case("Pad", [], (4, 3, 5), {"pads": ((0, 0), (0, 1), (2, 0), (1, 2)), "mode": mode})
    yield Case("Tile", [], (4, 3, 5), {"repeats": (2, 1, 3, 2)})
    yield Case("Range", [], None, {"start": 7, "limit": -2, "delta": -2})
    for axis in (1, 2, 3):
        yield Case("Concat", [], (4, 3, 5), {"axis": axis})
        yield Case("Concat", [Of((4, 3, 5))] * 3, None, {"axis": axis - 1})
    for kind, high in (("float", 2), ("int", 3), ("bool", 2)):
        for to in ("float", "int", "bool"):
            yield Case("Cast", [Of((4, 5), 0, high, kind)], None, {"to": to})
    yield Case("StopGradient", [], (4, 3))


def _products() -> Iterator[Case]:
    for transposed in (False, True):
        matrix = Of((5, 4) if transposed else (4, 5))
        yield Case("Gemm", [matrix], (4,), {"transB": transposed})
        yield Case("Gemm", [Of((3, 4)), matrix, Of((5,))], None, {"transB": transposed})
    yield Case("MatMul", [Of((4, 5))], (4,))
    yield Case("MatMul", [Of((4, 5))], (3, 4))
    yield Case("MatMul", [Of((2, 3, 4)), Of((2, 4, 5))])
    yield Case("MatMul", [Of((2, 1, 3, 4)), Of((5, 4, 2))])
    yield Case("MatMul", [Of((3, 4)), Of((2, 4, 5))])


def _numbers_alone() -> Iterator[Case]:
    positive = ("Sqrt", "Log", "Reciprocal")
    plain = [row.name for row in OPERATORS.values() if len(row.inputs) == 1 and not row.attributes]
    elsewhere = {case.operator for case in (*_moves(), *_pools())}
    for name in plain:
        if name not in elsewhere:
            yield Case(name, [Of((4, 3, 5), 0.1 if name in positive else -4, 4)])
            yield Case(name, [Of((), 0.1 if name in positive else -4, 4)])
    for name, settings in (
        ("Elu", {"alpha": 1.0}),
        ("Elu", {"alpha": 0.3}),
        ("Celu", {"alpha": 0.7}),
        ("LeakyRelu", {"alpha": 0.2}),
        ("LeakyRelu", {"alpha": 1.5}),
        ("HardSigmoid", {"alpha": 0.2, "beta": 0.4}),
        ("Gelu", {"approximate": "none"}),
        ("Gelu", {"approximate": "tanh"}),
        ("Shrink", {"lambd": 0.5, "bias": 0.2}),
        ("Clip", {"min": 0.0, "max": 6.0}),
        ("Clip", {"min": -1.0, "max": 0.5}),
        ("Clip", {"min": 0.1}),
        ("Clip", {"max": 1.0}),
    ):
        yield Case(name, [Of((4, 3, 5), -4, 9)], None, settings)


def _numbers_together() -> Iterator[Case]:
    shapes = [
        ((4, 3, 5), (4, 3, 5)),
        ((4, 3, 5), (5,)),
        ((4, 1, 5), (2, 1, 3, 1)),
        ((3, 5), (4, 1, 1)),
        ((), (4, 3)),
        ((2, 4, 3, 5), (4, 1, 1)),
    ]
    for name in ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "PRelu", "Less", "LessOrEqual", "Greater"):
        for first, second in shapes:
            low = 0.5 if name in ("Div", "Pow") else -2
            yield Case(name, [Of(first, low), Of(second, low)])
    yield Case("Add", [Of((4, 1))], (3, 4, 5))
    yield Case("GreaterOrEqual", [Of((4, 3), 0, 3, "int"), Of((3,), 0, 3, "int")])
    yield Case("Add", [Of((4, 3), 0, 9, "int"), Of((3,), 0, 9, "int")])
    yield Case("Where", [Of((4, 3, 5), 0, 2, "bool"), Of((4, 3, 5)), Of((5,))])
    yield Case("Where", [Of((3, 1), 0, 2, "bool"), Of(()), Of((2, 1, 5))])


def _reductions() -> Iterator[Case]:
    for name in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2"):
        for axes in ((1,), (0, 2), (2, 3), (0, 1, 2, 3)):
            for keepdims in (False, True):
                yield Case(name, [], (4, 3, 5), {"axes": axes, "keepdims": keepdims})
    for name in ("Softmax", "LogSoftmax"):
        for axis in (1, 3):
            yield Case(name, [], (4, 3, 5), {"axis": axis})


def _of_images() -> Iterator[Case]:
    for mode in ("bilinear", "nearest"):
        for padding in ("zeros", "border"):
            for corners in (False, True):
                settings = {"mode": mode, "padding_mode": padding, "align_corners": corners}
                yield Case("GridSample", [Of((4, 2, 5, 6)), Of((4, 3, 4, 2), -1.5, 1.5)], None, settings)
    for corners in (False, True):
        yield Case("AffineGrid", [], (2, 3), {"size": (N, 1, 4, 5), "align_corners": corners})
    for mode in ("nearest", "linear"):
        for coordinates in ("half_pixel", "asymmetric", "align_corners"):
            for sizes in ((10, 4), (3, 12), (5, 6)):
                yield Case("Resize", [], (2, 5, 6), {"sizes": sizes, "mode": mode, "coordinates": coordinates})


def _random() -> Iterator[Case]:
    yield Case("Dropout", [], (4, 3, 5), {"ratio": 0.3})
    yield Case("RandomUniform", [], None, {"shape": (N, 4), "low": -1.0, "high": 2.0})
    yield Case("RandomNormal", [], None, {"shape": (N, 4), "mean": 1.0, "scale": 2.0})
    yield Case("Bernoulli", [], None, {"shape": (N, 4), "p": 0.3})


CASES = (
    *_convolutions(),
    *_transposed_convolutions(),
    *_of_tensors(),
    *_pools(),
    *_normalizations(),
    *_moves(),
    *_products(),
    *_numbers_alone(),
    *_numbers_together(),
    *_reductions(),
    *_of_images(),
    *_random(),
)
