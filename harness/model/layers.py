"""Layers by their formulas: parameters, shapes and multiply-accumulates, each count spelled out.

Formulas: a convolution has (kernel height * kernel width * input channels / groups + 1) * filters parameters and output
height * output width * filters * kernel height * kernel width * input channels / groups multiply-accumulates; a dense
layer (inputs + 1) * units and inputs * units (LeCun et al. 1998, section II.B). Without a bias there is no + 1.
"""

from __future__ import annotations

import math

from harness.records.graph import Shape, Window
from harness.records.layer import Layer


def conv2d(
    label: str, input_shape: Shape, filters: int, window: Window, *, bias: bool = True, groups: int = 1
) -> Layer:
    """A 2-D convolution on `input_shape` (channels, height, width), counted by the formula."""
    height, width = _spatial(input_shape[1:], window)
    inputs = input_shape[0] // groups
    weights = math.prod(window.kernel) * inputs * filters
    spelled = f"{window.kernel[0]}*{window.kernel[1]}*{inputs}"
    return Layer(
        kind="conv2d",
        label=label,
        input_shape=input_shape,
        output_shape=(filters, height, width),
        window=window,
        bias=bias,
        groups=groups,
        parameters=weights + filters * bias,
        macs=height * width * weights,
        formula=_spell(weights + filters * bias, spelled, filters, bias),
    )


def dense(label: str, input_shape: Shape, units: int, *, bias: bool = True) -> Layer:
    """A fully connected layer on the last axis of `input_shape`, counted by the formula."""
    inputs = input_shape[-1]
    parameters = (inputs + bias) * units
    return Layer(
        kind="dense",
        label=label,
        input_shape=input_shape,
        output_shape=(*input_shape[:-1], units),
        bias=bias,
        parameters=parameters,
        macs=math.prod(input_shape) * units,
        formula=_spell(parameters, str(inputs), units, bias),
    )


def pool(kind: str, label: str, input_shape: Shape, window: Window) -> Layer:
    """A max or average pooling of `input_shape` (channels, height, width)."""
    output_shape = (input_shape[0], *_spatial(input_shape[1:], window))
    return Layer(kind=kind, label=label, input_shape=input_shape, output_shape=output_shape, window=window)


def _spatial(size: Shape, window: Window) -> tuple[int, int]:
    """Output height and width: floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1."""
    top, bottom, left, right = window.padding
    sides = []
    for axis, border in enumerate((top + bottom, left + right)):
        reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1
        sides.append((size[axis] + border - reach) // window.stride[axis] + 1)
    return sides[0], sides[1]


def _spell(total: int, inputs: str, outputs: int, bias: bool) -> str:
    return f"{total:,} = ({inputs} + 1) * {outputs}" if bias else f"{total:,} = {inputs} * {outputs}"
