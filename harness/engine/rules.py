"""What each operator of the language is as a step of the engine. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from harness.engine.steps import (
    Activation,
    Convolution,
    Copying,
    Dense,
    Dropping,
    Epilogue,
    Geometry,
    Normalization,
    Numbers,
    Pointwise,
    Pool,
    Pooling,
    Scaling,
    Softening,
    Step,
)
from harness.language.graph import Graph, Kind, Node
from harness.language.sizes import N
from harness.records.graph import Shape

MOST_PICKS = 120
"""Numbers of one window of a maximum: which was the largest is kept in eight bits."""


class NotCovered(ValueError):
    """The engine cannot train a model; the message says why, in a few words."""


@dataclass
class Chain:
    """The steps of a graph in their order. `moved` has for each value that is another one's numbers in another form:
    that one, and how."""

    graph: Graph
    dims: dict[str, Shape] = field(default_factory=dict)
    moved: dict[str, tuple[str, str, Any]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def numbers(self, name: str) -> Numbers:
        """A tensor, a constant, or one of them transposed or reshaped."""
        moves: list[tuple[str, Shape]] = []
        while node := self.graph.by_name.get(name):
            if node.operator not in ("Transpose", "Reshape"):
                raise NotCovered(f"weights computed by {node.operator}")
            is_turned = node.operator == "Transpose"
            moves.append(("transpose", node.attributes["perm"]) if is_turned else ("reshape", self.shape(name)))
            (name,) = node.inputs
        if self.graph.values[name].kind is not Kind.FLOAT:
            raise NotCovered("whole numbers")
        constant = self.graph.numbers.get(name)
        return Numbers("" if constant is not None else name, constant, tuple(reversed(moves)))

    def shape(self, name: str) -> Shape:
        """The shape of a value that does not depend on the number of images."""
        shape = self.graph.values[name].shape
        if not all(isinstance(size, int) for size in shape):
            raise NotCovered("images on another axis than the first")
        return tuple(int(str(size)) for size in shape)

    def image(self, name: str) -> Shape:
        """The shape of one image's value."""
        shape = self.graph.values[name].shape
        if not shape or shape[0] != N or not all(isinstance(size, int) for size in shape[1:]):
            raise NotCovered("images on another axis than the first")
        if 0 in shape:
            raise NotCovered("images without numbers")
        return tuple(int(str(size)) for size in shape[1:])


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of a window over images or, with one number, over sequences."""
    return (1, values[0]) if len(values) == 1 else (values[0], values[1])


def _geometry(attributes: Mapping[str, Any], kernel: tuple[int, ...], group: int = 1) -> Geometry:
    if len(kernel) > 2:
        raise NotCovered("three dimensions")
    pads = attributes["pads"]
    top, bottom = pads[0] if len(pads) == 2 else (0, 0)
    left, right = pads[-1]
    strides, dilations = _pair(attributes["strides"]), _pair(attributes["dilations"])
    if len(kernel) == 1:
        strides, dilations = (1, strides[1]), (1, dilations[1])
    return Geometry(_pair(kernel), strides, (top, left, bottom, right), dilations, group)


def _convolution(chain: Chain, node: Node) -> None:
    weight = chain.numbers(node.inputs[1])
    shape = chain.shape(node.inputs[1])
    if 0 in shape:
        raise NotCovered("kernels without numbers")
    if len(shape) == 3:
        weight = replace(weight, moves=(*weight.moves, ("reshape", (*shape[:2], 1, shape[2]))))
    geometry = _geometry(node.attributes, shape[2:], node.attributes["group"])
    bias = chain.numbers(node.inputs[2]) if len(node.inputs) > 2 else None
    chain.steps.append(Convolution(node.inputs[0], node.name, geometry, weight, bias))


def _dense(chain: Chain, node: Node) -> None:
    weight = chain.numbers(node.inputs[1])
    if node.attributes.get("transB"):
        weight = replace(weight, moves=(*weight.moves, ("transpose", (1, 0))))
    if len(chain.dims[node.inputs[0]]) != 1 or len(chain.shape(node.inputs[1])) != 2:
        raise NotCovered("matrix products of more than two axes")
    bias = chain.numbers(node.inputs[2]) if len(node.inputs) > 2 else None
    chain.steps.append(Dense(node.inputs[0], node.name, weight, bias))


def _product(chain: Chain, node: Node) -> None:
    if node.inputs[0] not in chain.dims or node.inputs[1] in chain.dims:
        raise NotCovered("products of values")
    _dense(chain, node)


def _normalization(chain: Chain, node: Node) -> None:
    attributes = node.attributes
    if len(chain.dims[node.inputs[0]]) > 3:
        raise NotCovered("three dimensions")
    scale, shift = (chain.numbers(name) for name in node.inputs[1:3])
    mean, var = node.inputs[3:5] if len(node.inputs) > 3 else ("", "")
    if any(name and (name in chain.graph.by_name or name in chain.graph.numbers) for name in (mean, var)):
        raise NotCovered("statistics that are no tensors")
    if not attributes["training"] and not mean:
        raise NotCovered("a batch's own statistics in evaluation")
    if len(chain.dims[node.inputs[0]]) > 3:
        raise NotCovered("three dimensions")
    numbers = (attributes["epsilon"], attributes["momentum"], attributes["training"], attributes["unbiased"])
    chain.steps.append(Normalization(node.inputs[0], node.name, scale, shift, mean, var, *numbers))


def _activation(*names: str, operator: str = "") -> Callable[[Chain, Node], None]:
    def rule(chain: Chain, node: Node) -> None:
        numbers = tuple(float(node.attributes[name]) for name in names)
        epilogue = Epilogue(Activation(operator or node.operator, numbers))
        chain.steps.append(Pointwise(node.inputs[0], node.name, epilogue=epilogue))

    return rule


def _clip(chain: Chain, node: Node) -> None:
    least, most = node.attributes["min"], node.attributes["max"]
    numbers = (-math.inf if least is None else least, math.inf if most is None else most)
    epilogue = Epilogue(Activation("Clip", numbers))
    chain.steps.append(Pointwise(node.inputs[0], node.name, epilogue=epilogue))


def _gelu(chain: Chain, node: Node) -> None:
    _activation(operator="TanhGelu" if node.attributes["approximate"] == "tanh" else "Gelu")(chain, node)


def _pooling(*, is_max: bool) -> Callable[[Chain, Node], None]:
    def rule(chain: Chain, node: Node) -> None:
        attributes = node.attributes
        geometry = _geometry(attributes, attributes["kernel_shape"])
        if is_max and math.prod(geometry.kernel) > MOST_PICKS:
            raise NotCovered("a maximum of more than 120 numbers")
        height, width = _size(chain.dims[node.inputs[0]])
        fits = not attributes["ceil_mode"] or (height % geometry.kernel[0], width % geometry.kernel[1]) == (0, 0)
        if fits and geometry.strides == geometry.kernel and not any(geometry.pads) and geometry.dilations == (1, 1):
            _windows(chain, node, is_max, *geometry.kernel)
            return
        counts = bool(attributes.get("count_include_pad"))
        chain.steps.append(Pooling(node.inputs[0], node.name, geometry, is_max, counts))

    return rule


def _size(dims: Shape) -> tuple[int, int]:
    if len(dims) not in (2, 3):
        raise NotCovered("three dimensions")
    return (1, dims[1]) if len(dims) == 2 else (dims[1], dims[2])


def _windows(chain: Chain, node: Node, is_max: bool, height: int, width: int) -> None:
    epilogue = Epilogue(pool=Pool(is_max, height, width)) if (height, width) != (1, 1) else Epilogue()
    chain.steps.append(Pointwise(node.inputs[0], node.name, epilogue=epilogue))


def _adaptive(*, is_max: bool) -> Callable[[Chain, Node], None]:
    def rule(chain: Chain, node: Node) -> None:
        size, sizes = _size(chain.dims[node.inputs[0]]), _pair(node.attributes["sizes"])
        if any(whole % part for whole, part in zip(size, sizes, strict=True)):
            raise NotCovered("adaptive windows of different sizes")
        height, width = (whole // part for whole, part in zip(size, sizes, strict=True))
        if is_max and height * width > MOST_PICKS:
            raise NotCovered("a maximum of more than 120 numbers")
        _windows(chain, node, is_max, height, width)

    return rule


def _reduction(*, is_max: bool) -> Callable[[Chain, Node], None]:
    """A mean or maximum over all of height and width."""

    def rule(chain: Chain, node: Node) -> None:
        dims = chain.dims[node.inputs[0]]
        axes = sorted(axis % (len(dims) + 1) for axis in node.attributes["axes"])
        if len(dims) not in (2, 3) or axes != list(range(2, len(dims) + 1)):
            raise NotCovered(f"{node.operator} of other axes than height and width")
        height, width = _size(dims)
        if is_max and height * width > MOST_PICKS:
            raise NotCovered("a maximum of more than 120 numbers")
        between = f"{node.name}.pooled"
        chain.dims[between] = (dims[0], *(1 for _ in dims[1:]))
        _windows(chain, replace(node, name=between), is_max, height, width)
        chain.moved[node.name] = (between, "reshape", chain.dims[node.name])

    return rule


def _reshape(chain: Chain, node: Node) -> None:
    chain.moved[node.name] = (node.inputs[0], "reshape", chain.dims[node.name])


def _transpose(chain: Chain, node: Node) -> None:
    perm = node.attributes["perm"]
    if perm[0] != 0:
        raise NotCovered("images on another axis than the first")
    chain.moved[node.name] = (node.inputs[0], "transpose", tuple(axis - 1 for axis in perm[1:]))


def _slice(chain: Chain, node: Node) -> None:
    attributes = node.attributes
    axis = attributes["axis"] % (len(chain.dims[node.inputs[0]]) + 1)
    if axis == 0:
        raise NotCovered("a part of the batch")
    part = (axis - 1, attributes["start"], attributes["end"], attributes["step"])
    chain.moved[node.name] = (node.inputs[0], "slice", part)


def _concatenation(chain: Chain, node: Node) -> None:
    axis = node.attributes["axis"] % (len(chain.dims[node.name]) + 1)
    if axis == 0 or any(name not in chain.dims for name in node.inputs):
        raise NotCovered("images joined to others or to weights")
    at = 0
    for name in node.inputs:
        starts = tuple(at if place == axis - 1 else 0 for place in range(len(chain.dims[name])))
        chain.steps.append(Copying(name, node.name, starts))
        at += chain.dims[name][axis - 1]


def _pad(chain: Chain, node: Node) -> None:
    pads = node.attributes["pads"]
    if node.attributes["mode"] != "constant" or node.attributes["value"] or any(pads[0]):
        raise NotCovered("pads other than zeros")
    if any(min(pair) < 0 for pair in pads):
        raise NotCovered("a crop by negative pads")
    chain.steps.append(Copying(node.inputs[0], node.name, tuple(before for before, _ in pads[1:])))


def _stop(chain: Chain, node: Node) -> None:
    starts = tuple(0 for _ in chain.dims[node.name])
    chain.steps.append(Copying(node.inputs[0], node.name, starts, stops=True))


def _dropout(chain: Chain, node: Node) -> None:
    chain.steps.append(Dropping(node.inputs[0], node.name, node.name, node.attributes["ratio"]))


def _softmax(*, is_log: bool) -> Callable[[Chain, Node], None]:
    def rule(chain: Chain, node: Node) -> None:
        if len(chain.dims[node.name]) != 1 or node.attributes["axis"] % 2 != 1:
            raise NotCovered(f"{node.operator} of more than two axes")
        chain.steps.append(Softening(node.inputs[0], node.name, is_log))

    return rule


def _negative(chain: Chain, node: Node) -> None:
    minus = Numbers("", np.full((), -1.0, np.float32))
    shape = tuple(1 for _ in chain.dims[node.name])
    chain.steps.append(Scaling(node.inputs[0], node.name, "Mul", minus, is_reversed=False, shape=shape))


def _binary(chain: Chain, node: Node) -> None:
    are_values = [name in chain.dims for name in node.inputs]
    if all(are_values):
        _of_two_values(chain, node)
        return
    value, other = node.inputs if are_values[0] else node.inputs[::-1]
    if chain.dims[value] != chain.dims[node.name]:
        raise NotCovered("a value stretched by weights")
    shape, rank = chain.shape(other), len(chain.dims[value])
    if len(shape) > rank:
        if shape[0] != 1:
            raise NotCovered("images on another axis than the first")
        shape = shape[1:]
    shape = (*(1 for _ in range(rank - len(shape))), *shape)
    if rank > 3 and math.prod(shape) > 1:
        raise NotCovered("weights over more than three axes")
    numbers = chain.numbers(other)
    numbers = replace(numbers, moves=(*numbers.moves, ("reshape", shape)))
    chain.steps.append(Scaling(value, node.name, node.operator, numbers, not are_values[0], shape))


def _of_two_values(chain: Chain, node: Node) -> None:
    first, second = node.inputs
    if node.operator == "Mul" and (value := _gated(chain, first, second) or _gated(chain, second, first)):
        chain.steps.append(Pointwise(value, node.name, epilogue=Epilogue(Activation("Silu"))))
    elif node.operator not in ("Add", "Sub") or chain.dims[first] != chain.dims[second]:
        raise NotCovered(f"{node.operator} of two values")
    else:
        factor = 1.0 if node.operator == "Add" else -1.0
        chain.steps.append(Pointwise(first, node.name, second, factor))


def _gated(chain: Chain, value: str, gate: str) -> str:
    """The value, if the gate is its sigmoid."""
    node = chain.graph.by_name.get(gate)
    return value if node and node.operator == "Sigmoid" and node.inputs == (value,) else ""


RULES: dict[str, Callable[[Chain, Node], None]] = {
    "Conv": _convolution,
    "Gemm": _dense,
    "MatMul": _product,
    "BatchNormalization": _normalization,
    **{name: _activation() for name in ("Relu", "Sigmoid", "Tanh", "Selu", "Mish", "Softplus", "Softsign")},
    **{name: _activation() for name in ("Exp", "HardSwish")},
    **{name: _activation("alpha") for name in ("LeakyRelu", "Elu")},
    "HardSigmoid": _activation("alpha", "beta"),
    "Gelu": _gelu,
    "Clip": _clip,
    "MaxPool": _pooling(is_max=True),
    "AveragePool": _pooling(is_max=False),
    "AdaptiveMaxPool": _adaptive(is_max=True),
    "AdaptiveAveragePool": _adaptive(is_max=False),
    "ReduceMean": _reduction(is_max=False),
    "ReduceMax": _reduction(is_max=True),
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Slice": _slice,
    "Concat": _concatenation,
    "Pad": _pad,
    "StopGradient": _stop,
    "Dropout": _dropout,
    "Softmax": _softmax(is_log=False),
    "LogSoftmax": _softmax(is_log=True),
    "Neg": _negative,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _binary),
}
