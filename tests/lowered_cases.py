"""Each operator of the language with settings that a framework's own function might not have: for the frameworks'
lowerings, which are compared with the interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.language.builder import Builder
from harness.language.graph import Graph, Kind
from harness.language.operators import OPERATORS
from harness.language.sizes import N, Size, at
from harness.records.graph import Tensor, TensorKind

COUNT = 3


@dataclass(frozen=True)
class Case:
    """A node: its inputs' shapes (the first is that of the images, without N), and which of them are positive, whole, a
    condition, or the same for each image."""

    operator: str
    shapes: tuple[tuple[int, ...], ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    positive: tuple[int, ...] = ()
    whole: tuple[int, ...] = ()
    condition: tuple[int, ...] = ()
    batched: tuple[int, ...] = ()

    def __str__(self) -> str:
        settings = ",".join(f"{k}={v}" for k, v in self.attributes.items())
        return f"{self.operator}{list(self.shapes)}{settings}".replace(" ", "")[:110]

    def graph(self) -> Graph:
        """One node on the images and tensors t1, t2, ..."""
        first = self.shapes[0] if self.shapes else ()
        build = Builder(first, self.tensors())
        inputs = [build.images, *(build.values[t.name] for t in self.tensors())][: len(self.shapes)]
        for k in self.condition:
            inputs[k] = build.emit("Greater", inputs[k], build.constant(0.0))
        for k in self.batched:
            inputs[k] = build.emit("Expand", inputs[k], shape=(N, *self.shapes[k]))
        written = build.emit(self.operator, *inputs, **self.attributes)
        return build.finish(written).graph

    def tensors(self) -> list[Tensor]:
        """Those that stand for the other inputs."""
        types = ["I64" if k in self.whole else "F32" for k in range(len(self.shapes))]
        kind = TensorKind.PARAMETER
        return [Tensor(f"t{k}", kind, False, self.shapes[k], types[k]) for k in range(1, len(self.shapes))]

    def arrays(self) -> list[np.ndarray[Any, Any]]:
        """Random numbers for the images and the tensors."""
        chance = np.random.default_rng(0)
        shapes = [(COUNT, *self.shapes[0]), *self.shapes[1:]] if self.shapes else [(COUNT,)]
        arrays = [2 * chance.standard_normal(shape) for shape in shapes]
        arrays = [np.abs(a) + 0.1 if k in self.positive else a for k, a in enumerate(arrays)]
        return [chance.integers(-4, 4, a.shape) if k in self.whole else a for k, a in enumerate(arrays)]


def drawn(graph: Graph) -> dict[str, np.ndarray[Any, Any]]:
    """What random nodes drew."""
    chance = np.random.default_rng(1)
    random = [node for node in graph.nodes if OPERATORS[node.operator].is_random]
    return {node.name: chance.integers(0, 2, at(graph.values[node.name].shape, COUNT)).astype(float) for node in random}


def window(*sizes: int, **others: Any) -> dict[str, Any]:
    """Settings of a window with stride 1 and no pads, and others in their place."""
    axes = len(sizes)
    usual = {"strides": (1,) * axes, "pads": ((0, 0),) * axes, "dilations": (1,) * axes}
    return {"kernel_shape": sizes} | usual | others


def _convolutions() -> Iterator[Case]:
    for axes, group, bias in ((1, 1, True), (2, 2, False), (3, 1, True)):
        sizes = (9, 8, 7)[:axes]
        settings = window(*sizes, strides=(2, 1, 2)[:axes], pads=((1, 1), (2, 2), (0, 0))[:axes])
        del settings["kernel_shape"]
        for changed in ({}, {"pads": ((0, 1), (2, 0), (1, 3))[:axes]}, {"dilations": (2, 3, 1)[:axes]}):
            tensors = ((6, 4 // group, 3, 2, 3)[: axes + 2], *([(6,)] if bias else []))
            yield Case("Conv", ((4, *sizes), *tensors), settings | changed | {"group": group})
            tensors = ((4, 6 // group, 3, 2, 3)[: axes + 2], *([(6,)] if bias else []))
            extra = {"group": group, "output_padding": (1, 0, 0)[:axes]}
            yield Case("ConvTranspose", ((4, *sizes), *tensors), settings | changed | extra)


def _pools() -> Iterator[Case]:
    for sizes in ((9,), (9, 8), (7, 9, 8)):
        kernel = (3, 2, 4)[: len(sizes)]
        for changed in (
            {"strides": kernel},
            {"strides": (2,) * len(sizes), "ceil_mode": True},
            {"strides": (2,) * len(sizes), "pads": ((1, 1),) * len(sizes), "ceil_mode": True},
            {"strides": (2,) * len(sizes), "pads": ((0, 1), (1, 0), (2, 1))[: len(sizes)]},
            {"strides": (3,) * len(sizes), "pads": ((2, 1), (0, 1), (3, 1))[: len(sizes)], "ceil_mode": True},
            {"pads": ((2, 2), (1, 1), (3, 3))[: len(sizes)]},
            {"dilations": (2,) * len(sizes), "pads": ((1, 0),) * len(sizes), "ceil_mode": True},
        ):
            settings = window(*kernel, **changed)
            yield Case("MaxPool", ((2, *sizes),), settings)
            yield Case("AveragePool", ((2, *sizes),), settings)
            yield Case("AveragePool", ((2, *sizes),), settings | {"count_include_pad": True})
        yield Case("AdaptiveMaxPool", ((2, *sizes),), {"sizes": (4, 3, 5)[: len(sizes)]})
        yield Case("AdaptiveAveragePool", ((2, *sizes),), {"sizes": (4, 3, 5)[: len(sizes)]})


def _normalizations() -> Iterator[Case]:
    for shape in ((4,), (4, 5), (4, 5, 6), (4, 5, 6, 2)):
        channels = (shape, (4,), (4,))
        yield Case("BatchNormalization", (*channels, (4,), (4,)), {"epsilon": 1e-3}, positive=(4,))
        yield Case("BatchNormalization", channels, {"epsilon": 1e-5, "training": True})
        for unbiased in (True, False):
            settings = {"epsilon": 1e-3, "momentum": 0.7, "training": True, "unbiased": unbiased}
            yield Case("BatchNormalization", (*channels, (4,), (4,)), settings, positive=(4,))
        yield Case("LayerNormalization", (shape, shape), {"axis": 1, "epsilon": 1e-5})
        yield Case("LayerNormalization", (shape, shape[-1:], shape[-1:]), {"axis": len(shape), "epsilon": 1e-2})
        yield Case("GroupNormalization", channels, {"num_groups": 2, "epsilon": 1e-5})
    for size in (1, 2, 3, 4, 5):
        settings = {"size": size, "alpha": 0.3, "beta": 0.75, "bias": 1.5}
        yield Case("LRN", ((5, 4, 3),), settings)
        yield Case("LRN", ((5, 4),), settings)


def _moves() -> Iterator[Case]:
    shape = (4, 5, 6)
    yield Case("Reshape", (shape,), {"shape": (Size(4), 30)})
    yield Case("Transpose", (shape,), {"perm": (2, 0, 3, 1)})
    yield Case("Expand", ((1, 6),), {"shape": (4, N, 5, 6)})
    yield Case("Expand", ((4, 6),), {"shape": (1, 6)})
    yield Case("Concat", ((2, 3), (2, 3), (2, 3)), {"axis": 0}, batched=(1, 2))
    yield Case("Concat", ((2, 3), (4, 3)), {"axis": 1}, batched=(1,))
    yield Case("Slice", (shape,), {"axis": 2, "start": 1, "end": 5, "step": 2})
    yield Case("Slice", (shape,), {"axis": 3, "start": 0, "end": 6, "step": -1})
    yield Case("Slice", (shape,), {"axis": 3, "start": 0, "end": 6, "step": -4})
    yield Case("Slice", (shape,), {"axis": 0, "start": 1, "end": N})
    for indices in ((3,), (), (2, 2)):
        yield Case("Gather", (shape, indices), {"axis": 1}, whole=(1,))
    for mode in ("constant", "reflect", "edge"):
        for pads in (((0, 0), (0, 1), (2, 3), (0, 0)), ((0, 0), (0, 0), (2, 3), (0, 4))):
            yield Case("Pad", (shape,), {"pads": pads, "mode": mode, "value": 0.5 if mode == "constant" else 0.0})
    yield Case("Tile", ((4, 5),), {"repeats": (1, 2, 3)})
    yield Case("Range", (), {"start": 7, "limit": -4, "delta": -3})
    for kind in Kind:
        yield Case("Cast", ((4, 5),), {"to": kind})
    yield Case("StopGradient", (shape,))


def _numbers() -> Iterator[Case]:
    shape = (4, 5, 6)
    for name in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2"):
        for axes, keepdims in (((1, 3), False), ((3, 0), True), ((0, 1, 2, 3), False)):
            yield Case(name, (shape,), {"axes": axes, "keepdims": keepdims})
    yield Case("Softmax", (shape,), {"axis": 2})
    yield Case("LogSoftmax", (shape,), {"axis": 1})
    for name in ("Neg", "Abs", "Exp", "Erf", "Sin", "Cos", "Relu", "Sigmoid", "Tanh"):
        yield Case(name, (shape,))
    for name in ("Softplus", "Softsign", "HardSwish", "Mish", "Selu"):
        yield Case(name, (shape,))
    for name in ("Sqrt", "Reciprocal", "Log"):
        yield Case(name, (shape,), positive=(0,))
    for name, alpha in (("Elu", 0.7), ("Celu", 1.3), ("LeakyRelu", 0.2), ("LeakyRelu", -0.5)):
        yield Case(name, (shape,), {"alpha": alpha})
    yield Case("HardSigmoid", (shape,), {"alpha": 0.2, "beta": 0.4})
    yield Case("Gelu", (shape,), {"approximate": "none"})
    yield Case("Gelu", (shape,), {"approximate": "tanh"})
    yield Case("Shrink", (shape,), {"lambd": 0.5, "bias": 0.25})
    for least, most in ((-1.0, 0.5), (None, 0.5), (0.1, None), (None, None)):
        yield Case("Clip", (shape,), {"min": least, "max": most})
    for name in ("Add", "Sub", "Mul", "Div", "Min", "Max"):
        for other in ((5, 1), (4, 5, 6), ()):
            yield Case(name, (shape, other))
    yield Case("Pow", (shape, (6,)), positive=(0,))
    yield Case("PRelu", (shape, (4, 1, 1)))
    for name in ("Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
        yield Case(name, (shape, (6,)))
    yield Case("Where", (shape, (6,), ()), condition=(0,))


def _images() -> Iterator[Case]:
    for corners in (True, False):
        for mode in ("bilinear", "nearest"):
            for padding in ("zeros", "border"):
                settings = {"mode": mode, "padding_mode": padding, "align_corners": corners}
                yield Case("GridSample", ((2, 5, 6), (4, 3, 2)), settings, batched=(1,))
        yield Case("AffineGrid", ((2, 3),), {"size": (N, 1, 5, 1), "align_corners": corners})
    for coordinates in ("half_pixel", "asymmetric", "align_corners"):
        for mode in ("nearest", "linear"):
            for sizes in ((10, 3), (7, 1), (32, 16)):
                settings = {"sizes": sizes, "mode": mode, "coordinates": coordinates}
                yield Case("Resize", ((2, 5, 7),), settings)
                yield Case("Resize", ((1, 28, 28),), settings)


def _random() -> Iterator[Case]:
    yield Case("Dropout", ((4, 5),), {"ratio": 0.3})
    yield Case("RandomUniform", (), {"shape": (N, 4), "low": -1.0, "high": 2.0})
    yield Case("RandomNormal", (), {"shape": (N, 4), "mean": 1.0, "scale": 2.0})
    yield Case("Bernoulli", (), {"shape": (2, 4), "p": 0.3})


def _products() -> Iterator[Case]:
    yield Case("Gemm", ((5,), (5, 4), (4,)))
    yield Case("Gemm", ((5,), (5, 4)))
    yield Case("Gemm", ((5,), (4, 5), (4,)), {"transB": True})
    yield Case("Gemm", ((5,), (4, 5)), {"transB": True})
    yield Case("MatMul", ((4, 5), (5, 3)))
    yield Case("MatMul", ((2, 4, 5), (2, 5, 3)))


CASES = (
    *_products(),
    *_convolutions(),
    *_pools(),
    *_normalizations(),
    *_moves(),
    *_numbers(),
    *_images(),
    *_random(),
)
