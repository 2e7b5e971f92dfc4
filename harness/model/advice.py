"""Messages about layers: what one is, how two differ, and the setting that fixes it in each framework."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records.framework import Framework
from harness.records.graph import Shape, Tensor, Window
from harness.records.layer import Layer
from harness.records.reference import Reference
from harness.words.base import words_of


def size(shape: Shape) -> str:
    """A shape in the usual notation: 6x28x28."""
    return "x".join(str(dimension) for dimension in shape)


def name_tensors(tensors: Sequence[Tensor]) -> str:
    """`conv1.weight (6x1x5x5), conv1.bias (6)`; a long list is shortened."""
    listed = ", ".join(f"{t.label or 'a tensor'} ({size(t.shape) or 'one number'})" for t in tensors[:6])
    return f"{listed} and {len(tensors) - 6} more" if len(tensors) > 6 else listed


def describe(layer: Layer, *, named: bool = True) -> str:
    """One layer in one line, preceded by the student's own name for it, if any."""
    name = f"[{layer.label}]" if layer.label.isdigit() else layer.label
    label = f"{name}: " if named and name else ""
    return f"{label}{_what(layer)} -> {size(layer.output_shape)}{_count(layer)}"


def _what(layer: Layer) -> str:
    if layer.kind == "dense":
        without = "" if layer.bias else " without bias"
        return f"dense, {layer.output_shape[-1]} units on {size(layer.input_shape)} inputs{without}"
    if layer.window is None:
        return f"{layer.kind.replace('_', ' ')} on {size(layer.input_shape)}"
    kernel = size(layer.window.kernel)
    if layer.kind == "conv2d":
        parts = [f"convolution, {layer.output_shape[0]} filters of {kernel}", *_settings(layer.window, (1, 1))]
        parts += [f"{layer.groups} groups"] * (layer.groups != 1) + ["no bias"] * (not layer.bias)
    else:
        parts = [f"{layer.kind.replace('_', '-')} {kernel}", *_settings(layer.window, layer.window.kernel)]
    return ", ".join(parts)


def _settings(window: Window, usual_stride: tuple[int, int]) -> list[str]:
    parts = [f"stride {size(window.stride)}"] * (window.stride != usual_stride)
    parts += [padding(window.padding)] * any(window.padding)
    return parts + [f"dilation {size(window.dilation)}"] * (window.dilation != (1, 1))


def padding(sides: tuple[int, int, int, int]) -> str:
    """`padding 2`, or all four sides where they differ."""
    if len(set(sides)) == 1:
        return f"padding {sides[0]}"
    return "padding top {} bottom {} left {} right {}".format(*sides)


def _count(layer: Layer) -> str:
    return f", {layer.formula}" if layer.formula else ""


def placement(before: str, reference: Reference) -> str:
    """The position of a layer, by the preceding reference layer."""
    return f"after {before}" if before else f"before {reference.layers[0].label}"


def own_differences(expected: Layer, found: Layer) -> list[str]:
    """Names of the settings in which two layers of one family differ; consequences of their input are left out."""
    if expected.kind == "dense":
        pairs = {"units": (expected.output_shape[-1], found.output_shape[-1]), "bias": (expected.bias, found.bias)}
        return [name for name, (a, b) in pairs.items() if a != b]
    differences = _window_differences(expected, found)
    if expected.kind == "conv2d":
        pairs = {
            "filters": (expected.output_shape[0], found.output_shape[0]),
            "bias": (expected.bias, found.bias),
            "groups": (expected.groups, found.groups),
        }
        differences = [name for name, (a, b) in pairs.items() if a != b] + differences
    return differences


def _window_differences(expected: Layer, found: Layer) -> list[str]:
    """A pooling that adapts to its input has no window: its output shape stands in for it."""
    if expected.window is None or found.window is None:
        return ["output size"] if expected.output_shape != found.output_shape else []
    names = ("kernel", "stride", "padding", "dilation")
    return [name for name in names if getattr(expected.window, name) != getattr(found.window, name)]


def layer_advice(expected: Layer, found: Layer, difference: str, framework: Framework) -> str:
    """What to try about one setting of one layer."""
    if difference == "padding":
        return _padding_advice(expected, found, framework)
    value = {
        "filters": expected.output_shape[0],
        "units": expected.output_shape[-1],
        "groups": expected.groups,
    }.get(difference)
    if value is None and expected.window is not None:
        window = expected.window
        sides = {"kernel": window.kernel[0], "stride": window.stride[0], "dilation": window.dilation[0]}
        value = sides.get(difference)
    if difference == "bias":
        return f"Set {words_of(framework).ARGUMENTS['bias']}=True: a bias is one number for each output."
    if difference == "output size":
        return f"Pool 2x2 with stride 2, to {size(expected.output_shape)}."
    return f"Set {_setting(expected, difference, framework)}={value}."


def _setting(layer: Layer, difference: str, framework: Framework) -> str:
    """The argument's name in the framework."""
    is_pool = difference == "kernel" and layer.kind != "conv2d"
    return words_of(framework).ARGUMENTS["pool" if is_pool else difference]


def _padding_advice(expected: Layer, found: Layer, framework: Framework) -> str:
    assert expected.window is not None
    wanted = expected.window.padding[0]
    kernel, setting = size(expected.window.kernel), words_of(framework).padding(wanted)
    before, after, seen = (
        size(shape[1:]) for shape in (expected.input_shape, expected.output_shape, found.output_shape)
    )
    if wanted:
        rows, columns = expected.input_shape[1:]
        valid = size((rows - expected.window.kernel[0] + 1, columns - expected.window.kernel[1] + 1))
        without = f"{kernel} on {before} without padding gives {valid}"
        return f"Set {setting}: {without}, with padding {wanted} it stays {after}."
    return f"Set {setting}: {kernel} on {before} without padding gives {after}, here it gives {seen}."


def missing_layer_advice(expected: Layer, where: str, framework: Framework) -> str:
    """The line to add."""
    return f"add {_code(expected, framework)} {where}"


def _code(layer: Layer, framework: Framework) -> str:
    words, inputs, outputs = words_of(framework), layer.input_shape[0], layer.output_shape[0]
    if layer.kind == "dense":
        return words.dense(inputs, outputs)[0]
    if layer.kind != "conv2d" or layer.window is None:
        return words.pooling("max", 2)
    side, pad = layer.window.kernel[0], layer.window.padding[0]
    return words.convolution(inputs, outputs, side, words.padding(pad) if pad else "")[0]


def extra_layer_advice(found: Layer, reference: Reference) -> str:
    """What to do about a layer the reference does not have."""
    kind = found.kind.replace("_", " ")
    return f"remove this {kind}: {reference.title} does not have it"
