"""The language's operators on single numbers, along axes, and random ones, in PyTorch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional

from harness.backends.torch.lowered_run import Function, Lower, Run, plain
from harness.language.graph import Graph, Kind, Node
from harness.language.sizes import at


def _unary(function: Callable[..., torch.Tensor], *names: str) -> Lower:
    """A function of one input that takes these attributes after it."""

    def of_node(node: Node, _: Graph) -> Function:
        attributes = [node.attributes[name] for name in names]
        return lambda _, x: function(x, *attributes)

    return of_node


def _binary(function: Callable[[Any, Any], Any]) -> Lower:
    """A function of two inputs, of which PyTorch is faster with a number than with a tensor of one number."""

    def of_node(node: Node, graph: Graph) -> Function:
        left, right = (_number(graph, name) for name in node.inputs)
        if right is not None and left is None:
            return lambda _, a, __: function(a, right)
        if left is not None and right is None:
            return lambda _, __, b: function(left, b)
        return lambda _, a, b: function(a, b)

    return of_node


def _number(graph: Graph, name: str) -> float | None:
    array = graph.numbers.get(name)
    is_float = graph.values[name].kind is Kind.FLOAT
    return float(array) if array is not None and array.ndim == 0 and is_float else None


def _reduction(function: Callable[..., torch.Tensor]) -> Lower:
    def of_node(node: Node, _: Graph) -> Function:
        axes, keepdims = list(node.attributes["axes"]), node.attributes["keepdims"]
        return lambda _, x: function(x, axes, keepdims)

    return of_node


def _l2(x: torch.Tensor, axes: list[int], keepdims: bool) -> torch.Tensor:
    norm: torch.Tensor = torch.linalg.vector_norm(x, 2, axes, keepdims)
    return norm


def _hard_sigmoid(x: torch.Tensor, alpha: float, beta: float) -> torch.Tensor:
    return (x * alpha + beta).clamp(0, 1)


def _shrink(x: torch.Tensor, lambd: float, bias: float) -> torch.Tensor:
    return torch.where(x < -lambd, x + bias, torch.where(x > lambd, x - bias, 0.0))


def _clip(x: torch.Tensor, least: float | None, most: float | None) -> torch.Tensor:
    return x if least is None and most is None else x.clamp(least, most)


def _p_relu(x: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, slope * x)


def _gelu(x: torch.Tensor, approximate: str) -> torch.Tensor:
    return functional.gelu(x, approximate=approximate)


def _dropout(node: Node, _: Graph) -> Function:
    ratio, name = node.attributes["ratio"], node.name
    type_, least = _threshold(ratio)

    def function(run: Run, x: torch.Tensor) -> torch.Tensor:
        if name in run.drawn:
            return x * run.drawn[name] / (1 - ratio)
        return x * _integers(x, type_).ge(least).to(x.dtype).div_(1 - ratio)

    return function


_INTEGERS = {8: torch.int8, 16: torch.int16, 32: torch.int32}


def _threshold(ratio: float) -> tuple[torch.dtype, int]:
    """A type of integers, the smallest in which a share of `ratio` is exact, and the integer that so many lie below."""
    bits = next((bits for bits in _INTEGERS if (ratio * 2**bits).is_integer()), 32)
    return _INTEGERS[bits], round(ratio * 2**bits) - 2 ** (bits - 1)


def _integers(x: torch.Tensor, type_: torch.dtype) -> torch.Tensor:
    """Random integers, all equally likely, in the shape and layout of `x`: PyTorch draws 64 bits at a time more than
    twice as fast as floats or masks."""
    words = -(-x.numel() * type_.itemsize // 8)
    drawn = torch.empty(words, dtype=torch.int64).random_(-(2**63), None).view(type_)
    return drawn.as_strided(x.shape, torch.empty_like(x).stride())


def _random(draw: Callable[[torch.Tensor, Mapping[str, Any]], torch.Tensor]) -> Lower:
    """Numbers that are drawn into a tensor of the node's shape."""

    def of_node(node: Node, _: Graph) -> Function:
        shape, name = node.attributes["shape"], node.name

        def function(run: Run) -> torch.Tensor:
            if name in run.drawn:
                return run.drawn[name]
            return draw(torch.empty(at(shape, run.count), dtype=run.dtype), node.attributes)

        return function

    return of_node


def _uniform(empty: torch.Tensor, attributes: Mapping[str, Any]) -> torch.Tensor:
    return empty.uniform_(attributes["low"], attributes["high"])


def _normal(empty: torch.Tensor, attributes: Mapping[str, Any]) -> torch.Tensor:
    return empty.normal_(attributes["mean"], attributes["scale"])


def _bernoulli(empty: torch.Tensor, attributes: Mapping[str, Any]) -> torch.Tensor:
    return empty.bernoulli_(attributes["p"])


LOWERED: Mapping[str, Lower] = {
    "ReduceMean": _reduction(torch.mean),
    "ReduceSum": _reduction(torch.sum),
    "ReduceMax": _reduction(torch.amax),
    "ReduceMin": _reduction(torch.amin),
    "ReduceL2": _reduction(_l2),
    "Softmax": _unary(torch.softmax, "axis"),
    "LogSoftmax": _unary(torch.log_softmax, "axis"),
    "Neg": plain(torch.neg),
    "Abs": plain(torch.abs),
    "Sqrt": plain(torch.sqrt),
    "Reciprocal": plain(torch.reciprocal),
    "Exp": plain(torch.exp),
    "Log": plain(torch.log),
    "Erf": plain(torch.erf),
    "Sin": plain(torch.sin),
    "Cos": plain(torch.cos),
    "Relu": plain(torch.relu),
    "Sigmoid": plain(torch.sigmoid),
    "Tanh": plain(torch.tanh),
    "Softplus": plain(functional.softplus),
    "Softsign": plain(functional.softsign),
    "HardSwish": plain(functional.hardswish),
    "Mish": plain(functional.mish),
    "Elu": _unary(functional.elu, "alpha"),
    "Celu": _unary(functional.celu, "alpha"),
    "Selu": plain(functional.selu),
    "LeakyRelu": _unary(functional.leaky_relu, "alpha"),
    "HardSigmoid": _unary(_hard_sigmoid, "alpha", "beta"),
    "Gelu": _unary(_gelu, "approximate"),
    "Shrink": _unary(_shrink, "lambd", "bias"),
    "Clip": _unary(_clip, "min", "max"),
    "Add": _binary(operator.add),
    "Sub": _binary(operator.sub),
    "Mul": _binary(operator.mul),
    "Div": _binary(operator.truediv),
    "Pow": _binary(operator.pow),
    "Min": plain(torch.minimum),
    "Max": plain(torch.maximum),
    "PRelu": plain(_p_relu),
    "Less": _binary(operator.lt),
    "LessOrEqual": _binary(operator.le),
    "Greater": _binary(operator.gt),
    "GreaterOrEqual": _binary(operator.ge),
    "Where": plain(torch.where),
    "Dropout": _dropout,
    "RandomUniform": _random(_uniform),
    "RandomNormal": _random(_normal),
    "Bernoulli": _random(_bernoulli),
}
