"""Rules for products of matrices, and for the bias of a layer."""

from __future__ import annotations

from collections.abc import Sequence

from harness.artifact.reading import other_arguments
from harness.artifact.tensorflow.layout import FIRST, FORMATS
from harness.artifact.tensorflow.making import Item, Making
from harness.artifact.tensorflow.match import is_read_once
from harness.artifact.tensorflow.raw import Argument, Result
from harness.artifact.tensorflow.rules import NO, Attribute, rule
from harness.language.attributes import Choice, Flag
from harness.language.graph import Kind, Value
from harness.language.refusals import not_supported
from harness.language.sizes import Dimension, product

_FLAG = Attribute(Flag(), False)
_LAYERS = ("Conv", "ConvTranspose", "Gemm")


class Equation:
    """The attribute of Einsum that is one word."""

    def read(self, value: object) -> str:
        """The equation without spaces."""
        if not isinstance(value, str):
            raise other_arguments("Einsum")
        return value.replace(" ", "")

    def __str__(self) -> str:
        return "letters for the axes of two inputs and of the result"


@rule("MatMul", "11", transpose_a=_FLAG, transpose_b=_FLAG, grad_a=NO, grad_b=NO)
def matmul(
    making: Making, a: Item, b: Item, *, transpose_a: bool, transpose_b: bool, grad_a: bool, grad_b: bool
) -> Item:
    """A product of two matrices."""
    del grad_a, grad_b
    left, right = _swapped(making, a, transpose_a), _swapped(making, b, transpose_b)
    if (left.rank, right.rank) != (2, 2):
        raise other_arguments("MatMul")
    return _multiplied(making, left, right)


@rule("BatchMatMulV2", "11", adj_x=_FLAG, adj_y=_FLAG, grad_x=NO, grad_y=NO)
def batch_matmul(making: Making, a: Item, b: Item, *, adj_x: bool, adj_y: bool, grad_x: bool, grad_y: bool) -> Item:
    """Products of matrices; leading axes broadcast."""
    del grad_x, grad_y
    return _multiplied(making, _swapped(making, a, adj_x), _swapped(making, b, adj_y))


def _swapped(making: Making, item: Item, is_swapped: bool) -> Value:
    value = making.value(item)
    if not is_swapped:
        return value
    return making.transpose(value, (*range(value.rank - 2), value.rank - 1, value.rank - 2))


def _multiplied(making: Making, a: Value, b: Value) -> Value:
    if (a.rank, b.rank) != (2, 2):
        return making.emit("MatMul", a, b)
    turned = making.build.made_by(b, "Transpose")
    if turned is not None:
        return making.emit("Gemm", a, making.build.input(turned), transB=True)
    return making.emit("Gemm", a, b)


@rule("Einsum", "N", equation=Attribute(Equation()))
def einsum(making: Making, xs: tuple[Item, ...], *, equation: str) -> Item:
    """A product of two inputs: axes of both are leading axes if they stay, else summed."""
    left, right, result = _axes(equation)
    a, b = (making.value(x) for x in xs)
    if (a.rank, b.rank) != (len(left), len(right)):
        raise other_arguments("Einsum")
    sizes = {**dict(zip(left, a.shape, strict=True)), **dict(zip(right, b.shape, strict=True))}
    lead = [c for c in left if c in right and c in result]
    summed = [c for c in left if c in right and c not in result]
    rows, columns = [c for c in left if c not in right], [c for c in right if c not in left]
    if sorted(result) != sorted([*lead, *rows, *columns]):
        raise not_supported(f"Einsum with {equation}")

    def matrices(value: Value, letters: str, *parts: list[str]) -> Value:
        order = [letters.index(c) for c in [*lead, *parts[0], *parts[1]]]
        shape = [*(sizes[c] for c in lead), *(_size(sizes[c] for c in part) for part in parts)]
        return making.reshape(making.transpose(value, order), shape)

    multiplied = _multiplied(making, matrices(a, left, rows, summed), matrices(b, right, summed, columns))
    letters = [*lead, *rows, *columns]
    apart = making.reshape(multiplied, [sizes[c] for c in letters])
    return making.transpose(apart, [letters.index(c) for c in result])


def _size(sizes: object) -> Dimension:
    return product(sizes)  # type: ignore[arg-type]  # an iterable of dimensions


def _axes(equation: str) -> tuple[str, str, str]:
    """The letters of both inputs and of the result, each at most once."""
    inputs, _, result = equation.partition("->")
    left, _, right = inputs.partition(",")
    if any(letters and not (letters.isalpha() and len(set(letters)) == len(letters)) for letters in (left, right)):
        raise not_supported(f"Einsum with {equation}")
    if not left or not right or not set(result) <= {*left, *right} or len(set(result)) != len(result):
        raise not_supported(f"Einsum with {equation}")
    return left, right, result


@rule("BiasAdd", "11", data_format=Attribute(Choice(FORMATS), "NHWC"))
def bias_add(making: Making, x: Item, bias: Item, *, data_format: str) -> Item:
    """One number for each channel."""
    value, added = making.value(x), making.value(bias)
    channels = value.shape[1 if data_format in FIRST else -1] if value.rank > 1 else None
    if added.shape != (channels,):
        raise other_arguments("BiasAdd")
    if data_format in FIRST:
        added = making.reshape(added, (*added.shape, *[1] * (value.rank - 2)))
    return with_bias(making, making.node.arguments[0], value, added) or making.emit("Add", value, added)


def with_bias(making: Making, reference: Argument, x: Item, bias: Item) -> Value | None:
    """A layer with this bias, if the first is the result of a layer that has none, and nothing else reads it."""
    if not isinstance(x, Value) or not isinstance(bias, Value) or not is_read_once(making.raw, reference):
        return None
    turned = making.build.made_by(x, "Transpose")
    source, perm = (making.build.input(turned), turned.attributes["perm"]) if turned else (x, tuple(range(x.rank)))
    layer = making.build.made_by(source, *_LAYERS)
    if layer is None or len(layer.inputs) != 2 or not _is_one_for_each(bias, x, perm.index(1)):
        return None
    if not making.build.is_fixed(bias) or bias.kind is not Kind.FLOAT:
        return None
    inputs = [making.build.input(layer, k) for k in (0, 1)]
    assert isinstance(reference, Result)
    making.build.origin = reference.node
    flat = making.reshape(bias, (source.shape[1],))
    result = making.emit(layer.operator, *inputs, flat, **layer.attributes)
    return making.transpose(result, perm)


def _is_one_for_each(bias: Value, x: Value, axis: int) -> bool:
    """Whether a value broadcasts along every axis but this one."""
    shape: Sequence[Dimension] = (*[1] * (x.rank - bias.rank), *bias.shape)
    return 0 < bias.rank <= x.rank and list(shape) == [x.shape[k] if k == axis else 1 for k in range(x.rank)]
