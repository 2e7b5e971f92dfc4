"""Why somebody may think that a layer has another number of parameters than it has: the usual slips. Pure.

Each slip is the number that it leads to and a sentence; a number that several lead to gets the first sentence. Numbers
are parameters as the frameworks count them: trained and frozen, without statistics and constants.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.advice import size
from harness.records import Layer, Shape

Slip = tuple[int, str]
_SPARSE_C3 = 1_516
_LOOKED_AT = 64
"""Layers that a wrong total is traced to: no model can make this slow."""


def parameters(layer: Layer) -> int:
    """Parameters of a layer as the frameworks count them."""
    return layer.parameters + layer.frozen


def name_of(layer: Layer) -> str:
    """The student's name of a layer, else its kind."""
    return f"[{layer.label}]" if layer.label.isdigit() else layer.label or layer.kind.replace("_", " ")


def why(layer: Layer, number: int, maps: Shape = ()) -> str:
    """Why a layer may be thought to have this number of parameters; empty where no reason is known.

    `maps` is the shape (channels, height, width) that was flattened into the input of a dense layer, if any was.
    """
    return _slip(layer, number, maps) or _other_setting(layer, number)


def why_total(layers: Sequence[Layer], number: int) -> str:
    """Why a whole model may be thought to have this number of parameters; empty where no reason is known."""
    right = sum(map(parameters, layers))
    for slip, reason in _slips_of_all(layers):
        if slip == number:
            return reason
    pairs = zip(layers, flattened(layers), strict=True)
    larger_first = sorted(pairs, key=lambda pair: -pair[0].size)  # the larger, the less a number fits by chance
    for layer, maps in larger_first[:_LOOKED_AT]:
        thought = parameters(layer) + number - right
        if layer.size and thought == 0:
            return f"{name_of(layer)} is left out, {layer.formula}"
        reason = _slip(layer, thought, maps) if thought > 0 else ""
        if reason:
            return f"as if {name_of(layer)} had {thought:,}: {reason}"
    return ""


def flattened(layers: Sequence[Layer]) -> list[Shape]:
    """For each layer, the last maps (channels, height, width) in front of it that have as many numbers as its input."""
    found: list[Shape] = []
    maps: Shape = ()
    for layer in layers:
        maps = layer.input_shape if len(layer.input_shape) == 3 else maps
        found.append(maps if math.prod(maps) == math.prod(layer.input_shape) else ())
        maps = layer.output_shape if len(layer.output_shape) == 3 else maps
    return found


def _slip(layer: Layer, number: int, maps: Shape) -> str:
    if number == parameters(layer) or not _is_plain(layer):
        return ""
    known = next((reason for slip, reason in _slips(layer) if slip == number), "")
    return known or _other_maps(layer, number, maps)


def _is_plain(layer: Layer) -> bool:
    """Whether the formulas hold: a hostile graph may have layers without size, or of more axes than they should."""
    sizes = (*layer.input_shape, *layer.output_shape, layer.groups)
    axes = (len(layer.input_shape), len(layer.output_shape))
    return min(axes) > 0 and min(sizes) > 0 and (layer.kind != "conv2d" or axes == (3, 3))


def _slips(layer: Layer) -> Iterator[Slip]:
    yield from _slips_of_keeping(layer)
    if layer.kind == "conv2d" and layer.window:
        yield from _slips_of_conv2d(layer, *layer.window.kernel)
    elif layer.kind == "dense":
        yield from _slips_of_dense(layer)
    elif layer.kind == "normalisation":
        reason = "the running mean and variance are counted, which are statistics and no parameters"
        yield 2 * parameters(layer), reason
    yield math.prod(layer.output_shape), f"these are its outputs, {size(layer.output_shape)}"
    yield layer.macs, "these are its multiply-accumulates for one image"


def _slips_of_keeping(layer: Layer) -> Iterator[Slip]:
    """Numbers that are not held as trained parameters of this layer."""
    if layer.constants:
        yield layer.size, f"{layer.constants:,} of these are constants: numbers that are held outside of the parameters"
    if layer.frozen:
        yield layer.parameters, f"frozen numbers are left out: {layer.frozen:,} parameters that are not trained"
    if layer.shared:
        yield _one(layer) * _outputs(layer), "its weights are those of another layer and counted there"


def _one(layer: Layer) -> int:
    """Numbers of one filter or unit with its bias, by the formula; 0 for a layer that has neither."""
    if layer.kind == "conv2d" and layer.window:
        return math.prod(layer.window.kernel) * (layer.input_shape[0] // layer.groups) + layer.bias
    return layer.input_shape[-1] + layer.bias if layer.kind == "dense" else 0


def _outputs(layer: Layer) -> int:
    """How many filters or units a layer has."""
    return layer.output_shape[0 if layer.kind == "conv2d" else -1]


def _slips_of_conv2d(layer: Layer, height: int, width: int) -> Iterator[Slip]:
    every, filters, bias = layer.input_shape[0], layer.output_shape[0], int(layer.bias)
    channels, area, kernel = every // layer.groups, height * width, f"{height}*{width}"
    weights = area * channels * filters
    yield from _slips_of_bias(layer.bias, weights, filters, "filters")
    left_out = f"the input channels are left out: a filter has {kernel} weights for each of the {channels} channels"
    yield (area + bias) * filters, left_out
    yield area * filters, f"{left_out}, and a bias"
    yield area * channels + bias, f"this is one filter, and there are {filters}"
    yield area * channels, f"this is one filter without its bias, and there are {filters}"
    if layer.groups > 1:
        seen = f"a filter sees {channels} of the {every} channels, because there are {layer.groups} groups"
        yield (area * every + bias) * filters, seen
    yield (height * channels + bias) * filters, f"a filter has {kernel} weights for a channel, not {height}"
    yield (area * filters + bias) * channels, f"filters and input channels are swapped: {filters} filters on {channels}"
    if (area, channels, filters) == (25, 6, 16):
        yield _SPARSE_C3, "this is the sparse connection table of 1998: here every filter sees all 6 maps"
    places = math.prod(layer.output_shape[1:])
    reason = f"each weight is counted at each of the {size(layer.output_shape[1:])} places, but it is the same weight"
    yield (area * channels + bias) * filters * places, reason


def _slips_of_dense(layer: Layer) -> Iterator[Slip]:
    inputs, units, bias = layer.input_shape[-1], layer.output_shape[-1], int(layer.bias)
    yield from _slips_of_bias(layer.bias, inputs * units, units, "units")
    if bias:
        yield (
            (units + 1) * inputs,
            f"the bias is counted for each of the {inputs} inputs: each of the {units} units has one",
        )
    yield inputs + units, "inputs and units are added: every unit has a weight for every input"
    yield inputs + units + bias, "inputs and units are added: every unit has a weight for every input"
    yield inputs + bias, f"this is one unit, and there are {units}"
    yield inputs, "these are its inputs"


def _slips_of_bias(bias: bool, weights: int, outputs: int, noun: str) -> Iterator[Slip]:
    if bias:
        yield weights, f"the bias is left out: one more number for each of the {outputs} {noun}"
        yield weights + 1, f"the bias is counted once: each of the {outputs} {noun} has its own"
    else:
        yield weights + outputs, "a bias is counted, and this layer has none"


def _other_maps(layer: Layer, number: int, maps: Shape) -> str:
    """A dense layer behind maps of another size: the classic is 16*4*4 inputs for 16*5*5, without padding."""
    if (
        layer.kind != "dense"
        or not maps
        or math.prod(maps) != math.prod(layer.input_shape)
        or number % layer.output_shape[-1]
    ):
        return ""
    inputs = number // layer.output_shape[-1] - layer.bias
    channels, side = maps[0], math.isqrt(max(inputs, 0) // maps[0])
    if side == 0 or channels * side * side != inputs:
        return ""
    there = f"there are {'*'.join(map(str, maps))} = {math.prod(maps):,}"
    thought = f"right for {channels}*{side}*{side} = {inputs:,} inputs, and {there}"
    return f"{thought}: {_hint(side, maps)}"


def _hint(side: int, maps: Shape) -> str:
    if side == 1:
        return "each map has more than one number"
    if side % maps[1] == 0:
        return "a pooling in front makes the maps smaller"
    return f"that is {'without' if side < maps[1] else 'with'} padding in a convolution in front"


def _other_setting(layer: Layer, number: int) -> str:
    """The number that another setting of the layer would give."""
    if number <= 0 or number == parameters(layer) or not _is_plain(layer):
        return ""
    one = _one(layer)
    if not one or one * _outputs(layer) != layer.size:
        return ""
    outputs, noun = _outputs(layer), "filters" if layer.kind == "conv2d" else "units"
    if number % one == 0:
        return f"right for {number // one:,} {noun}, and there are {outputs:,}"
    inputs = number // outputs - layer.bias
    if number % outputs or inputs <= 0:
        return ""
    if layer.kind == "dense":
        return f"right for {inputs:,} inputs, and there are {layer.input_shape[-1]:,}"
    area = math.prod(layer.window.kernel) if layer.window else 1
    channels = layer.input_shape[0] // layer.groups
    return "" if inputs % area else f"right for {inputs // area:,} input channels, and there are {channels:,}"


def _slips_of_all(layers: Sequence[Layer]) -> Iterator[Slip]:
    right = sum(map(parameters, layers))
    biases = sum(_outputs(layer) for layer in layers if layer.bias and _is_plain(layer))
    frozen, constants = sum(layer.frozen for layer in layers), sum(layer.constants for layer in layers)
    if biases:
        yield right - biases, f"all biases are left out: {biases:,} numbers"
    if frozen:
        yield right - frozen, f"frozen numbers are left out: {frozen:,} parameters that are not trained"
    if constants:
        yield (
            right + constants,
            f"{constants:,} of these are constants: numbers that are held outside of the parameters",
        )
    yield sum(layer.macs for layer in layers), "these are the multiply-accumulates for one image"
