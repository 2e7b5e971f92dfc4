"""The usual mistakes in counting a layer's parameters. Pure.

Each mistake is the number that it leads to and a sentence of `phrases`; if several lead to a number, the first is used.
Numbers are parameters as the frameworks count them: trained and frozen, without statistics and constants.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.model.advice import size
from harness.model.phrases import Language, Phrase, kind, phrase
from harness.records.graph import Shape
from harness.records.layer import Layer

Slip = tuple[int, Phrase]
_ENGLISH = Language.ENGLISH
_SPARSE_C3 = 1_516
_LOOKED_AT = 64
"""Number of layers that a wrong total is traced to, so that no model can make this slow."""


def parameters(layer: Layer) -> int:
    """Parameters of a layer as the frameworks count them."""
    return layer.parameters + layer.frozen


def name_of(layer: Layer, language: Language = _ENGLISH) -> str:
    """The student's name of a layer, else its kind."""
    kind_of_it = layer.kind.replace("_", " ") if language is _ENGLISH else kind(layer.kind, language)
    return f"[{layer.label}]" if layer.label.isdigit() else layer.label or kind_of_it


def why(layer: Layer, number: int, maps: Shape = (), language: Language = _ENGLISH) -> str:
    """The likely mistake behind this number of parameters of a layer; empty if none is recognized.

    `maps` is the shape (channels, height, width) that was flattened into the input of a dense layer, if any was.
    """
    found = _slip(layer, number, maps) or _other_setting(layer, number)
    return found.told(language) if found else ""


def is_slip(layer: Layer, number: int, maps: Shape) -> bool:
    """Whether a number results from one of the usual mistakes with this layer; `maps` as in `why`."""
    return _slip(layer, number, maps) is not None


def apart(layer: Layer, number: int, language: Language = _ENGLISH) -> str:
    """What is certain about an unexplained number: how far off it is, and whether any such layer can have it."""
    right, outputs = parameters(layer), _outputs(layer) if _is_plain(layer) and _one(layer) else 1
    name = "fewer" if number < right else "more"
    found = phrase(name, difference=abs(number - right), right=right)
    if number % outputs and right % outputs == 0:
        found = phrase("no_multiple", apart=found, outputs=outputs, noun=_noun(layer))
    return found.told(language)


def why_total(layers: Sequence[Layer], number: int, language: Language = _ENGLISH) -> str:
    """The likely mistake behind this total number of parameters; empty if none is recognized."""
    found = _why_total(layers, number, language)
    return found.told(language) if found else ""


def _why_total(layers: Sequence[Layer], number: int, language: Language) -> Phrase | None:
    right = sum(map(parameters, layers))
    for slip, reason in _slips_of_all(layers):
        if slip == number:
            return reason
    pairs = zip(layers, flattened(layers), strict=True)
    larger_first = sorted(
        pairs, key=lambda pair: -pair[0].size
    )  # the larger the number, the less likely it fits by chance
    for layer, maps in larger_first[:_LOOKED_AT]:
        thought = parameters(layer) + number - right
        if layer.size and thought == 0:
            return phrase("layer_left_out", layer=name_of(layer, language), formula=layer.formula)
        found = _slip(layer, thought, maps) if thought > 0 else None
        if found:
            return phrase("as_if", layer=name_of(layer, language), thought=thought, reason=found)
    return None


def flattened(layers: Sequence[Layer]) -> list[Shape]:
    """For each layer, the last maps (channels, height, width) before it that have as many numbers as its input."""
    found: list[Shape] = []
    maps: Shape = ()
    for layer in layers:
        maps = layer.input_shape if len(layer.input_shape) == 3 else maps
        found.append(maps if math.prod(maps) == math.prod(layer.input_shape) else ())
        maps = layer.output_shape if len(layer.output_shape) == 3 else maps
    return found


def _slip(layer: Layer, number: int, maps: Shape) -> Phrase | None:
    if number == parameters(layer) or not _is_plain(layer):
        return None
    known = next((reason for slip, reason in _slips(layer) if slip == number), None)
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
    elif layer.kind == "normalization":
        yield 2 * parameters(layer), phrase("statistics")
    yield math.prod(layer.output_shape), phrase("outputs", shape=size(layer.output_shape))
    yield layer.macs, phrase("macs")


def _slips_of_keeping(layer: Layer) -> Iterator[Slip]:
    """Numbers that are not held as trained parameters of this layer."""
    if layer.constants:
        yield layer.size, phrase("constants", constants=layer.constants)
    if layer.frozen:
        yield layer.parameters, phrase("frozen", frozen=layer.frozen)
    if layer.shared:
        yield _one(layer) * _outputs(layer), phrase("tied")


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
    yield from _slips_of_bias(layer, weights)
    left_out = phrase("channels", kernel=kernel, channels=channels)
    yield (area + bias) * filters, left_out
    yield area * filters, phrase("and_bias", reason=left_out)
    yield area * channels + bias, phrase("one_filter", filters=filters)
    yield area * channels, phrase("one_filter_without_bias", filters=filters)
    if layer.groups > 1:
        yield (area * every + bias) * filters, phrase("groups", channels=channels, every=every, groups=layer.groups)
    yield (height * channels + bias) * filters, phrase("one_side", kernel=kernel, height=height)
    yield (area * filters + bias) * channels, phrase("swapped", filters=filters, channels=channels)
    if (area, channels, filters) == (25, 6, 16):
        yield _SPARSE_C3, phrase("sparse")
    places = math.prod(layer.output_shape[1:])
    yield (area * channels + bias) * filters * places, phrase("places", places=size(layer.output_shape[1:]))


def _slips_of_dense(layer: Layer) -> Iterator[Slip]:
    inputs, units, bias = layer.input_shape[-1], layer.output_shape[-1], int(layer.bias)
    yield from _slips_of_bias(layer, inputs * units)
    if bias:
        yield (units + 1) * inputs, phrase("bias_of_inputs", inputs=inputs, units=units)
    yield inputs + units, phrase("added")
    yield inputs + units + bias, phrase("added")
    yield inputs + bias, phrase("one_unit", units=units)
    yield inputs, phrase("inputs")


def _slips_of_bias(layer: Layer, weights: int) -> Iterator[Slip]:
    outputs, noun = _outputs(layer), _noun(layer)
    if layer.bias:
        yield weights, phrase("bias_left_out", outputs=outputs, noun=noun)
        yield weights + 1, phrase("bias_once", outputs=outputs, noun=noun)
    else:
        yield weights + outputs, phrase("no_bias")


def _noun(layer: Layer) -> Phrase:
    return phrase("filters" if layer.kind == "conv2d" else "units")


def _other_maps(layer: Layer, number: int, maps: Shape) -> Phrase | None:
    """A dense layer after maps of another size: the classic is 16*4*4 inputs for 16*5*5, without padding."""
    if (
        layer.kind != "dense"
        or not maps
        or math.prod(maps) != math.prod(layer.input_shape)
        or number % layer.output_shape[-1]
    ):
        return None
    inputs = number // layer.output_shape[-1] - layer.bias
    channels, side = maps[0], math.isqrt(max(inputs, 0) // maps[0])
    if side == 0 or channels * side * side != inputs:
        return None
    thought, there = f"{channels}*{side}*{side}", "*".join(map(str, maps))
    units = layer.output_shape[-1]
    total = f"{number:,} = ({thought} + 1) * {units}" if layer.bias else f"{number:,} = {thought} * {units}"
    values = {"thought": thought, "inputs": inputs, "maps": there, "there": math.prod(maps), "sum": total}
    return phrase("other_maps", hint=phrase(_hint(side, maps)), **values)


def _hint(side: int, maps: Shape) -> str:
    if side == 1:
        return "map_of_one"
    if side % maps[1] == 0:
        return "pooled"
    return "without_padding" if side < maps[1] else "with_padding"


def _other_setting(layer: Layer, number: int) -> Phrase | None:
    """The number that a different setting of the layer would give."""
    if number <= 0 or number == parameters(layer) or not _is_plain(layer):
        return None
    one = _one(layer)
    if not one or one * _outputs(layer) != layer.size:
        return None
    outputs = _outputs(layer)
    if number % one == 0:
        return phrase("other_outputs", thought=number // one, there=outputs, noun=_noun(layer))
    inputs = number // outputs - layer.bias
    if number % outputs or inputs <= 0:
        return None
    if layer.kind == "dense":
        return phrase("other_inputs", thought=inputs, there=layer.input_shape[-1])
    area = math.prod(layer.window.kernel) if layer.window else 1
    channels = layer.input_shape[0] // layer.groups
    return None if inputs % area else phrase("other_channels", thought=inputs // area, there=channels)


def _slips_of_all(layers: Sequence[Layer]) -> Iterator[Slip]:
    right = sum(map(parameters, layers))
    biases = sum(_outputs(layer) for layer in layers if layer.bias and _is_plain(layer))
    frozen, constants = sum(layer.frozen for layer in layers), sum(layer.constants for layer in layers)
    if biases:
        yield right - biases, phrase("all_biases", biases=biases)
    if frozen:
        yield right - frozen, phrase("frozen", frozen=frozen)
    if constants:
        yield right + constants, phrase("constants", constants=constants)
    yield sum(layer.macs for layer in layers), phrase("macs_of_all")
