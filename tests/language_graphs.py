"""Small graphs of the language: for each operator cases over its attributes, and numbers to run them on."""

from dataclasses import dataclass, field
from math import prod

import numpy as np

from harness.language.builder import Builder
from harness.language.checking import checked
from harness.language.graph import Kind
from harness.language.operators import OPERATORS
from harness.language.sizes import N, Size
from harness.records.errors import ArtifactError
from harness.records.graph import Tensor, TensorKind


@dataclass(frozen=True)
class Case:
    """An operator with inputs of these shapes. Those in which N occurs are parts of the images, others are tensors,
    arrays are constants, `Made` is a number of another kind."""

    operator: str
    inputs: tuple = ()
    attributes: dict = field(default_factory=dict)
    low: float = -2.0
    high: float = 2.0

    def __str__(self):
        attributes = ",".join(f"{name}={value}" for name, value in self.attributes.items())
        shapes = ";".join("x".join(map(str, getattr(i, "shape", i))) for i in self.inputs)
        return f"{self.operator}[{shapes}]({attributes})".replace(" ", "")[:150]


@dataclass(frozen=True)
class Made:
    """An input of another kind, made from a float: compared with 0, or without its fraction."""

    kind: Kind
    shape: tuple


def size_of(shape):
    """How many numbers of each image go into a value."""
    total = prod(d.images if isinstance(d, Size) else d for d in shape)
    assert not any(isinstance(d, Size) and d.more for d in shape)
    return total


def has_images(shape):
    return any(isinstance(d, Size) for d in shape)


def written(build, operator, *values, **attributes):
    """A node as it is, not simplified."""
    return build.write(operator, values, *checked(operator, values, attributes))


def graph_of(case):
    """A graph whose output is the case's operator, and the shapes of its tensors."""
    shapes = [getattr(i, "shape", i) for i in case.inputs]
    numbers = sum(size_of(shape) for shape in shapes if has_images(shape))
    tensors = [
        tensor_of(case, k, shape)
        for k, (given, shape) in enumerate(zip(case.inputs, shapes, strict=True))
        if not has_images(shape) and not isinstance(given, np.ndarray)
    ]
    build = Builder((max(numbers, 1),), tensors)
    values, start = [], 0
    for k, (given, shape) in enumerate(zip(case.inputs, shapes, strict=True)):
        if isinstance(given, np.ndarray):
            kind = {"i": Kind.INT, "b": Kind.BOOL}.get(given.dtype.kind, Kind.FLOAT)
            values.append(build.constant(given, kind))
            continue
        if has_images(shape):
            part = written(build, "Slice", build.images, axis=1, start=start, end=start + size_of(shape))
            value = written(build, "Reshape", part, shape=shape)
            start += size_of(shape)
        else:
            value = build.values[f"t{k}"]
        values.append(of_kind(build, value, getattr(given, "kind", Kind.FLOAT)))
    return build.finish(written(build, case.operator, *values, **case.attributes)).graph, tensors


def tensor_of(case, k, shape):
    """A parameter; what batch normalizations update is none."""
    is_trained = case.operator != "BatchNormalization" or k < 3
    return Tensor(f"t{k}", TensorKind.PARAMETER if is_trained else TensorKind.BUFFER, is_trained, shape, "F32")


def of_kind(build, value, kind):
    if kind is Kind.BOOL:
        return written(build, "Greater", value, build.constant(0.0))
    return value if kind is Kind.FLOAT else written(build, "Cast", value, to=Kind.INT)


def numbers_for(case, graph, tensors, count, seed=0):
    """Tensors, images and draws for a batch of `count` images."""
    random = np.random.default_rng(seed)
    draw = lambda shape: random.uniform(case.low, case.high, shape).astype(np.float32)  # noqa: E731
    images = draw((count, *graph.values["images"].shape[1:]))
    shape = graph.values[graph.output].shape
    sizes = [d.at(count) if isinstance(d, Size) else d for d in shape]
    draws = {graph.output: random.integers(0, 2, sizes).astype(np.float64)} if is_random(case) else {}
    return {tensor.name: draw(tensor.shape) for tensor in tensors}, images, draws


def is_random(case):
    return OPERATORS[case.operator].is_random


def is_allowed(case):
    try:
        graph_of(case)
    except ArtifactError:
        return False
    return True


def _some(count, seed, make):
    """`count` cases that the table allows."""
    random = np.random.default_rng(seed)
    found = []
    while len(found) < count:
        case = make(random)
        if is_allowed(case):
            found.append(case)
    return found


def _window(random, axes, most_pad=2):
    pads = tuple(tuple(int(p) for p in random.integers(0, most_pad + 1, 2)) for _ in range(axes))
    strides, dilations = (tuple(int(p) for p in random.integers(1, 4, axes)) for _ in range(2))
    return {"strides": strides, "pads": pads, "dilations": dilations}


def _sizes(random, low, high, axes):
    return tuple(int(n) for n in random.integers(low, high, axes))


def conv(random):
    axes, group = int(random.integers(1, 4)), int(random.integers(1, 4))
    channels, filters = (group * int(random.integers(1, 4)) for _ in range(2))
    kernel = _sizes(random, 1, 4, axes)
    bias = ((filters,),) if random.random() < 0.5 else ()
    inputs = ((N, channels, *_sizes(random, 3, 9, axes)), (filters, channels // group, *kernel), *bias)
    return Case("Conv", inputs, {**_window(random, axes), "group": group})


def conv_transpose(random):
    axes, group = int(random.integers(1, 4)), int(random.integers(1, 4))
    channels, filters = group * int(random.integers(1, 4)), int(random.integers(1, 4))
    kernel = _sizes(random, 1, 4, axes)
    bias = ((filters * group,),) if random.random() < 0.5 else ()
    inputs = ((N, channels, *_sizes(random, 2, 6, axes)), (channels, filters, *kernel), *bias)
    more = {"group": group, "output_padding": _sizes(random, 0, 2, axes)}
    return Case("ConvTranspose", inputs, {**_window(random, axes, 1), **more})


def pool(operator):
    def make(random):
        axes = int(random.integers(1, 4))
        shape = (N, int(random.integers(1, 4)), *_sizes(random, 3, 9, axes))
        more = {"count_include_pad": bool(random.integers(2))} if operator == "AveragePool" else {}
        attributes = {"kernel_shape": _sizes(random, 1, 4, axes), "ceil_mode": bool(random.integers(2)), **more}
        return Case(operator, (shape,), {**_window(random, axes), **attributes})

    return make


def adaptive(operator):
    def make(random):
        axes = int(random.integers(1, 4))
        return Case(operator, ((N, 2, *_sizes(random, 2, 8, axes)),), {"sizes": _sizes(random, 1, 6, axes)})

    return make


_IMAGES = (N, 3, 5, 4)
_LAYERS = [
    Case("Gemm", ((N, 4), (4, 3))),
    Case("Gemm", ((N, 4), (3, 4), (3,)), {"transB": True}),
    Case("MatMul", ((N, 4), (4, 3))),
    Case("MatMul", ((N, 2, 3, 4), (4, 5))),
    Case("MatMul", ((N, 2, 3, 4), (N, 2, 4, 5))),
    Case("MatMul", ((2, 1, 3, 4), (N, 2, 1, 4, 5))),
    *_some(40, 1, conv),
    *_some(40, 2, conv_transpose),
    *_some(40, 3, pool("MaxPool")),
    *_some(40, 4, pool("AveragePool")),
    *_some(10, 5, adaptive("AdaptiveMaxPool")),
    *_some(10, 6, adaptive("AdaptiveAveragePool")),
    *(
        Case("BatchNormalization", ((N, 3, *more), *[(3,)] * 4), {"epsilon": 1e-3}, low=0.1)
        for more in [(), (4,), (4, 5), (2, 3, 4)]
    ),
    *(
        Case("BatchNormalization", (_IMAGES, *[(3,)] * count), {"epsilon": 1e-5, "training": True, **more})
        for count, more in [(2, {}), (4, {"momentum": 0.9}), (4, {"momentum": 0.7, "unbiased": True})]
    ),
    Case("BatchNormalization", ((N, 3), (3,), (3,)), {"epsilon": 1e-5, "training": True}),
    Case("LayerNormalization", (_IMAGES, (4,)), {"axis": 3, "epsilon": 1e-5}),
    Case("LayerNormalization", (_IMAGES, (5, 4), (5, 4)), {"axis": 2, "epsilon": 1e-3}),
    Case("LayerNormalization", (_IMAGES, (3, 5, 4), (3, 5, 4)), {"axis": 1, "epsilon": 0.1}),
    Case("GroupNormalization", ((N, 6, 5, 4), (6,), (6,)), {"num_groups": 2, "epsilon": 1e-5}),
    Case("GroupNormalization", ((N, 6, 5), (6,), (6,)), {"num_groups": 6, "epsilon": 1e-3}),
    Case("GroupNormalization", ((N, 6), (6,), (6,)), {"num_groups": 3, "epsilon": 1e-5}),
    *(
        Case("LRN", ((N, 7, *more),), {"size": size, "alpha": 0.3, "beta": 0.75, "bias": 1.5})
        for size, more in [(1, (2, 2)), (5, (2, 3)), (4, (3, 2)), (3, (4,)), (9, (2, 2)), (5, (2, 1, 2))]
    ),
]
_MOVING = [
    Case("Reshape", ((N, 2, 6),), {"shape": (N, 12)}),
    Case("Reshape", ((N, 2, 6),), {"shape": (N * 2, 6)}),
    Case("Reshape", ((N, 2, 6),), {"shape": (3, N, 2, 2)}),
    Case("Reshape", ((2, 6),), {"shape": (12,)}),
    Case("Reshape", ((1,),), {"shape": ()}),
    Case("Transpose", (_IMAGES,), {"perm": (0, 2, 3, 1)}),
    Case("Transpose", ((N, 2, 3),), {"perm": (2, 0, 1)}),
    Case("Transpose", (Made(Kind.BOOL, (N, 2, 3)),), {"perm": (1, 0, 2)}),
    Case("Expand", ((3, 1),), {"shape": (N, 3, 4)}),
    Case("Expand", ((N, 1, 2),), {"shape": (5, 1)}),
    Case("Expand", ((1, 2),), {"shape": (N * 2, 2)}),
    Case("Concat", ((N, 2, 3), (N, 1, 3), (N, 4, 3)), {"axis": 1}),
    Case("Concat", ((N, 2), (3, 2)), {"axis": 0}),
    Case("Concat", ((N, 2), (N * 2, 2)), {"axis": 0}),
    Case("Concat", (Made(Kind.INT, (N, 2)), Made(Kind.INT, (N, 2))), {"axis": 1}),
    Case("Slice", ((N, 7, 3),), {"axis": 1, "start": 2, "end": 5}),
    Case("Slice", ((N, 7, 3),), {"axis": 1, "start": 1, "end": 7, "step": 3}),
    Case("Slice", ((N, 7, 3),), {"axis": 1, "start": 0, "end": 7, "step": -1}),
    Case("Slice", ((N, 7, 3),), {"axis": 1, "start": 0, "end": 7, "step": -2}),
    Case("Slice", ((N, 8),), {"axis": 1, "start": 0, "end": 8, "step": -3}),
    Case("Slice", ((N, 3),), {"axis": 0, "start": 0, "end": N}),
    Case("Slice", ((N, 3),), {"axis": 0, "start": 0, "end": N, "step": -1}),
    Case("Slice", ((N * 2, 3),), {"axis": 0, "start": N, "end": N * 2}),
    Case("Slice", ((N * 3, 2),), {"axis": 0, "start": 1, "end": N * 2 + 1}),
    Case("Gather", ((N, 5, 3), np.array([4, 0, 0, 2])), {"axis": 1}),
    Case("Gather", ((N, 5, 3), np.array([[1, -1], [0, 2]])), {"axis": 1}),
    Case("Gather", ((N, 5, 3), np.array(1)), {"axis": 2}),
    Case("Gather", ((6, 3), Made(Kind.INT, (N, 4))), {"axis": 0}, low=0, high=5.9),
    *(
        Case("Pad", ((N, 2, 4, 5),), {"pads": ((0, 0), (0, 0), (1, 2), (3, 0)), "mode": mode})
        for mode in ("constant", "reflect", "edge")
    ),
    Case("Pad", ((N, 2, 3),), {"pads": ((0, 0), (1, 0), (0, 2)), "value": -1.5}),
    Case("Pad", ((N, 3),), {"pads": ((1, 2), (0, 0))}),
    Case("Tile", ((N, 2, 3),), {"repeats": (1, 3, 2)}),
    Case("Tile", ((N, 3),), {"repeats": (3, 1)}),
    Case("Range", (), {"start": 2, "limit": 11, "delta": 3}),
    Case("Range", (), {"start": 5, "limit": -4, "delta": -2}),
    *(Case("Cast", (Made(kind, (N, 3)),), {"to": to}) for kind in Kind for to in Kind),
    *(Case("StopGradient", (Made(kind, (N, 3)),)) for kind in Kind),
]
_REDUCING = [
    *(
        Case(operator, (_IMAGES,), {"axes": axes, "keepdims": keepdims})
        for operator in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2")
        for axes, keepdims in [
            ((2, 3), False),
            ((1,), True),
            ((3, 1), False),
            ((0, 1, 2, 3), False),
            ((0,), True),
        ]
    ),
    *(Case(operator, (_IMAGES,), {"axis": axis}) for operator in ("Softmax", "LogSoftmax") for axis in (0, 1, 3)),
    Case("Softmax", ((N, 4),), {"axis": 1}, low=-1000, high=1000),
    Case("LogSoftmax", ((N, 4),), {"axis": 1}, low=-1000, high=1000),
]
_SIMPLE = (
    "Neg",
    "Abs",
    "Exp",
    "Erf",
    "Sin",
    "Cos",
    "Relu",
    "Sigmoid",
    "Tanh",
    "Softplus",
    "Softsign",
    "HardSwish",
    "Mish",
)
_ELEMENTWISE = [
    *(Case(operator, (_IMAGES,)) for operator in (*_SIMPLE, "Selu")),
    *(Case(operator, ((N, 9),), low=-90, high=90) for operator in ("Sigmoid", "Softplus", "HardSwish", "Erf", "Tanh")),
    *(Case(operator, (_IMAGES,), low=0.1) for operator in ("Sqrt", "Reciprocal", "Log")),
    *(Case(operator, (_IMAGES,), {"alpha": a}) for operator in ("Elu", "Celu", "LeakyRelu") for a in (1.0, 0.3)),
    *(Case("HardSigmoid", (_IMAGES,), {"alpha": a, "beta": 0.5}, low=-4, high=4) for a in (0.2, 1 / 6)),
    *(Case("Gelu", (_IMAGES,), {"approximate": a}, low=-6, high=6) for a in ("none", "tanh")),
    *(Case("Shrink", (_IMAGES,), {"lambd": 0.5, "bias": bias}) for bias in (0.0, 0.5)),
    *(
        Case("Clip", (_IMAGES,), {"min": low, "max": high})
        for low, high in [(0.0, 1.0), (None, 0.5), (-0.5, None), (None, None), (1.0, -1.0)]
    ),
    *(
        Case(operator, inputs)
        for operator in ("Add", "Sub", "Mul", "Min", "Max", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")
        for inputs in [
            (_IMAGES, _IMAGES),
            (_IMAGES, (3, 1, 1)),
            ((4,), _IMAGES),
            ((N, 1, 3), (2, 1)),
            (Made(Kind.INT, (N, 3)), Made(Kind.INT, (3,))),
        ]
    ),
    *(Case("Div", inputs, low=0.5) for inputs in [(_IMAGES, _IMAGES), ((4,), _IMAGES), (_IMAGES, (3, 1, 1))]),
    *(Case("Pow", inputs, low=0.5) for inputs in [(_IMAGES, _IMAGES), ((4,), _IMAGES), (_IMAGES, (3, 1, 1))]),
    Case("Pow", ((N, 5), np.array(3.0))),
    *(Case("PRelu", inputs) for inputs in [(_IMAGES, (3, 1, 1)), ((N, 4), (1,)), ((N, 1, 3), (2, 1)), ((3,), (N, 3))]),
    Case("Where", (Made(Kind.BOOL, (N, 3)), (N, 3), (3,))),
    Case("Where", (Made(Kind.BOOL, (3, 1)), (N, 1, 4), ())),
    Case("Where", (Made(Kind.BOOL, (N, 3)), Made(Kind.INT, (N, 1)), Made(Kind.INT, (3,)))),
]
_SPATIAL = [
    *(
        Case(
            "GridSample",
            ((N, 2, 5, 4), (N, 3, 6, 2)),
            {"mode": mode, "padding_mode": padding_mode, "align_corners": align_corners},
            low=-1.5,
            high=1.5,
        )
        for mode in ("bilinear", "nearest")
        for padding_mode in ("zeros", "border")
        for align_corners in (False, True)
    ),
    *(
        Case("AffineGrid", ((N, 2, 3),), {"size": (N, 1, height, width), "align_corners": align_corners})
        for align_corners in (False, True)
        for height, width in [(4, 5), (2, 7)]
    ),
    *(
        Case("Resize", ((N, 2, *size),), {"sizes": sizes, "mode": mode, "coordinates": coordinates})
        for mode in ("nearest", "linear")
        for coordinates in ("half_pixel", "asymmetric", "align_corners")
        for size, sizes in [((4, 5), (8, 10)), ((7, 6), (3, 4)), ((3, 5), (7, 5)), ((2, 2), (1, 6)), ((1, 3), (4, 3))]
    ),
]
_RANDOM = [
    Case("Dropout", (_IMAGES,), {"ratio": 0.25}),
    Case("RandomUniform", (), {"shape": (N, 3), "low": -1.0, "high": 1.0}),
    Case("RandomNormal", (), {"shape": (N, 3), "mean": 0.0, "scale": 2.0}),
    Case("Bernoulli", (), {"shape": (N * 2, 3), "p": 0.5}),
]
CASES = [*_LAYERS, *_MOVING, *_REDUCING, *_ELEMENTWISE, *_SPATIAL, *_RANDOM]
