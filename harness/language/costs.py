"""Multiply-accumulates of the operators that have any, with the number of images as a symbol."""

from __future__ import annotations

from harness.language.shapes import Attributes, Shapes
from harness.language.sizes import Dimension, Dimensions, product


def nothing(_: Shapes, __: Dimensions, ___: Attributes) -> Dimension:
    """No multiply-accumulates."""
    return 0


def of_product(shapes: Shapes, result: Dimensions, _: Attributes) -> Dimension:
    """Each number of the result sums as many products as A has columns."""
    return product(result) * shapes[0][-1]


def of_conv(shapes: Shapes, result: Dimensions, _: Attributes) -> Dimension:
    """Each number of the result sums one product for each number of its filter."""
    return product(result) * product(shapes[1][1:])


def of_conv_transpose(shapes: Shapes, _: Dimensions, __: Attributes) -> Dimension:
    """Each number of the input is multiplied with each number of the filters of its channel."""
    return product(shapes[0]) * product(shapes[1][1:])
