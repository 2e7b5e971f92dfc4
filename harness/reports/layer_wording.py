"""How a layer of the table reads: its kind with its settings, and its counts."""

from __future__ import annotations

from harness.records.layer import Layer
from harness.reports import wording

_KINDS = {"conv2d": "convolution", "max_pool": "max pooling", "avg_pool": "average pooling"}


def layer_kind(layer: Layer) -> str:
    """`convolution 5x5, padding 2`: the kind with the settings that matter."""
    kind = _KINDS.get(layer.kind, layer.kind.replace("_", " "))
    settings = [f"{name} {value}" for name, value in layer_settings(layer)]
    return ", ".join([f"{kind} {wording.shape(layer.window.kernel)}", *settings]) if layer.window else kind


def layer_settings(layer: Layer) -> list[tuple[str, str]]:
    """`("padding", "2")`: each setting of a window that differs from the default."""
    window = layer.window
    if window is None:
        return []
    usual = (1, 1) if layer.kind == "conv2d" else window.kernel
    sides = set(window.padding)
    padding = str(window.padding[0]) if len(sides) == 1 else "/".join(str(side) for side in window.padding)
    found = [("stride", wording.shape(window.stride))] * (window.stride != usual)
    found += [("padding", padding)] * (sides != {0})
    return found + [("dilation", wording.shape(window.dilation))] * (window.dilation != (1, 1))


def layer_parameters(layer: Layer) -> str:
    """`156`, and separately what is not trained."""
    parts = [f"{layer.parameters:,}"] if layer.parameters or not (layer.frozen or layer.constants) else []
    parts += [f"{layer.frozen:,} frozen"] * bool(layer.frozen)
    parts += [f"{layer.constants:,} constant"] * bool(layer.constants)
    return " + ".join(parts)


def layer_count(layer: Layer) -> str:
    """`= (5*5*1 + 1) * 6`, to show next to the parameters; the whole formula where it counts something else."""
    return layer.formula.removeprefix(f"{layer_parameters(layer)} ") or wording.NOTHING


def layer_macs(layer: Layer) -> str:
    """`117,600`; a dash for a layer without multiplications."""
    return wording.count(layer.macs or None)
