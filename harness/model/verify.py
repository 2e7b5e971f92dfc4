"""The layer table of a submission against the reference: every difference, with expected, found and try. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.model.advice import (
    describe,
    extra_layer_advice,
    layer_advice,
    missing_layer_advice,
    name_tensors,
    own_differences,
    placement,
)
from harness.records.check import Check, Outcome
from harness.records.checks import KINDS, Decides
from harness.records.framework import Framework
from harness.records.graph import OutputKind, Shape, Tensor, TensorKind, Window
from harness.records.inputs import CLASSES, INPUT_FORMS, border
from harness.records.layer import Layer, LayerTable
from harness.records.reference import Reference
from harness.words.base import words_of

_ONLY_RESHAPE = {"reshape", "flatten", "transpose", "identity"}
Pair = tuple[Layer | None, Layer | None]


def verify(table: LayerTable, input_shape: Shape, framework: Framework, reference: Reference) -> tuple[Check, ...]:
    """Every check of a model against the reference; it matches if all of them pass."""
    layers = comparable(table.layers, border(input_shape))
    return (
        Check("input", Outcome.PASSED, found=INPUT_FORMS[input_shape], try_=_input_note(input_shape, reference)),
        output_check(table, framework),
        *layer_checks(layers, reference, framework),
        _total_check(table, reference),
        *(_trainable_check(table, framework), _unused_check(table), _shared_check(table), _hidden_check(table)),
        _training_only_check(table),
    )


def by_reference_name(layers: Sequence[Layer], input_shape: Shape, reference: Reference) -> dict[str, Layer]:
    """The layers of a model under the names of the corresponding reference layers."""
    pairs = align(reference.layers, comparable(layers, border(input_shape)))
    return {expected.label: found for expected, found in pairs if expected is not None and found is not None}


@dataclass(frozen=True)
class Judgment:
    """The checks that count under an assignment, and whether the model matches the reference."""

    checks: tuple[Check, ...]
    matches_reference: bool


def judge(
    table: LayerTable,
    input_shape: Shape,
    framework: Framework,
    reference: Reference,
    *,
    must_match: bool,
    max_parameters: int | None,
) -> Judgment:
    """Verify, and keep what the assignment requires. For an own design the differences are reported, and it passes
    unless it hides numbers: those, as in every design, are up to the assignment's policy."""
    checks = verify(table, input_shape, framework, reference)
    matches = all(check.outcome is Outcome.PASSED for check in checks)
    if not must_match:
        checks = _of_an_own_design(checks)
    if max_parameters is not None:
        checks = (*checks, _limit_check(table, max_parameters))
    return Judgment(checks, matches)


def _of_an_own_design(checks: Sequence[Check]) -> tuple[Check, ...]:
    """The same checks, with those that require the reference replaced by one that says how the design differs."""
    asks = [KINDS[check.id].decides is Decides.MATCH for check in checks]
    wrong = [c.name for c, asked in zip(checks, asks, strict=True) if asked and c.outcome is Outcome.FAILED]
    found = f"differs in {', '.join(dict.fromkeys(wrong))}" if wrong else "equal to it"
    told = Check("reference", Outcome.PASSED, "any design", f"{found} (allowed here)")
    first = asks.index(True)
    own = [c for c, asked in zip(checks, asks, strict=True) if not asked]
    return (*own[:first], told, *own[first:])


def _limit_check(table: LayerTable, limit: int) -> Check:
    """All numbers the model computes with count: parameters, buffers and constants."""
    size = table.parameters + table.constants
    outcome = Outcome.PASSED if size <= limit else Outcome.FAILED
    advice = "" if size <= limit else "use fewer filters or units"
    return Check("size", outcome, f"at most {limit:,} parameters", f"{size:,}", advice)


def comparable(layers: Sequence[Layer], padding: int = 0) -> list[Layer]:
    """Layers with equivalent forms made equal.

    Reshapes are dropped, and so is another order of the numbers that a dense layer reads, because its weights may have
    any; explicit padding, and the `padding` that the harness adds around the image, counts as the next window's own; a
    convolution that covers its whole input is a dense layer on the flat input.
    """
    result: list[Layer] = []
    pending = (padding,) * 4
    for layer, reader in zip(layers, _readers(layers), strict=True):
        if layer.kind == "pad" and layer.window and not layer.size:
            pending = _add(pending, layer.window.padding)
        elif _is_dropped(layer, reader):
            continue
        elif layer.window and layer.kind in ("conv2d", "max_pool", "avg_pool"):
            result.append(_as_dense(_absorb(layer, layer.window, pending)))
            pending = (0,) * 4
        else:
            result.append(layer)
    return result


def _readers(layers: Sequence[Layer]) -> list[str]:
    """For each layer, the kind of the next one that does more than reshape."""
    readers, after = [], ""
    for layer in reversed(layers):
        readers.append(after)
        after = after if layer.kind in _ONLY_RESHAPE and not layer.size else _as_dense(layer).kind
    return readers[::-1]


def _is_dropped(layer: Layer, reader: str) -> bool:
    is_plain = layer.kind in _ONLY_RESHAPE and not layer.size
    return is_plain and (layer.kind != "transpose" or reader == "dense")


def _absorb(layer: Layer, window: Window, pending: Sequence[int]) -> Layer:
    """The layer with the preceding padding as its own, on the input before that padding."""
    if not any(pending) or len(layer.input_shape) != 3:
        return layer
    channels, height, width = layer.input_shape
    inner = (channels, height - pending[0] - pending[1], width - pending[2] - pending[3])
    return replace(layer, input_shape=inner, window=replace(window, padding=_add(pending, window.padding)))


def _add(first: Sequence[int], second: Sequence[int]) -> tuple[int, int, int, int]:
    top, bottom, left, right = (a + b for a, b in zip(first, second, strict=True))
    return top, bottom, left, right


def _as_dense(layer: Layer) -> Layer:
    if layer.kind != "conv2d" or layer.window is None or len(layer.input_shape) != 3:
        return layer
    covers = layer.window.kernel == layer.input_shape[1:] and not any(layer.window.padding)
    if not covers or layer.groups != 1:
        return layer
    units = layer.output_shape[0]
    return replace(layer, kind="dense", window=None, input_shape=(math.prod(layer.input_shape),), output_shape=(units,))


def layer_checks(layers: Sequence[Layer], reference: Reference, framework: Framework) -> list[Check]:
    """One check for each reference layer, and one for each layer that the reference does not have."""
    checks: list[Check] = []
    origin = ""
    before = ""
    for expected, found in align(reference.layers, layers):
        if expected is None and found is not None:
            check = _extra(found, placement(before, reference), reference)
        elif expected is not None and found is None:
            check = _missing(expected, placement(before, reference), framework)
        else:
            assert expected is not None and found is not None
            check = _compare(expected, found, origin, framework)
        before = expected.label if expected is not None else before
        if not _changes_shape(expected, found):
            origin = origin if expected is None or found is None else ""
        elif not origin:
            origin = check.name
        checks.append(check)
    return _tell_swapped(checks, layers, reference)


def _changes_shape(expected: Layer | None, found: Layer | None) -> bool:
    """Whether what follows has another input than in the reference because of this pair."""
    if expected is not None and found is not None:
        return expected.output_shape != found.output_shape
    alone = expected or found
    return alone is not None and alone.input_shape != alone.output_shape


def _tell_swapped(checks: list[Check], layers: Sequence[Layer], reference: Reference) -> list[Check]:
    """Swapped 6 and 16 filters are a classic: one sentence instead of two settings."""
    right, found = _filters(reference.layers), _filters(layers)
    numbers = [number for _, number in found]
    if len(right) != 2 or numbers != [number for _, number in right[::-1]] or numbers[0] == numbers[1]:
        return checks
    (first, few), (second, many) = right
    advice = f"The filters are swapped: {few} belong to {first} and {many} to {second}."
    swapped = [check.id == "layer" and check.about in (first, second) for check in checks]
    return [replace(c, try_=f"{c.try_} {advice}") if is_it else c for c, is_it in zip(checks, swapped, strict=True)]


def _filters(layers: Sequence[Layer]) -> list[tuple[str, int]]:
    return [(layer.label, layer.output_shape[0]) for layer in layers if layer.kind == "conv2d"]


def _extra(found: Layer, where: str, reference: Reference) -> Check:
    advice = extra_layer_advice(found, reference)
    return Check("extra", Outcome.FAILED, f"no layer {where}", describe(found), advice, about="layer")


def _missing(expected: Layer, where: str, framework: Framework) -> Check:
    advice = missing_layer_advice(expected, where, framework)
    wanted = describe(expected, named=False)
    return Check("layer", Outcome.FAILED, wanted, "no such layer", advice, about=expected.label)


def _compare(expected: Layer, found: Layer, origin: str, framework: Framework) -> Check:
    """A layer's own settings come first; where only its input differs, the layer that caused it must be fixed."""
    label, wanted, seen = expected.label, describe(expected, named=False), describe(found)
    own = own_differences(expected, found)
    if own:
        advice = " ".join(layer_advice(expected, found, difference, framework) for difference in own)
        return Check("layer", Outcome.FAILED, wanted, seen, advice, about=label)
    if expected.input_shape == found.input_shape and expected.output_shape == found.output_shape:
        return Check("layer", Outcome.PASSED, found=seen, about=label)
    cause = f"follows from {origin}: fix that first" if origin else "give its input the expected shape"
    return Check("layer", Outcome.FAILED, wanted, seen, cause, about=label)


_BOTH, _MISSING, _EXTRA = range(3)


def align(reference: Sequence[Layer], layers: Sequence[Layer]) -> list[Pair]:
    """Pairs of layers in order, with None for a missing or an extra one, at the smallest total difference."""
    families = [family(layer) for layer in layers]
    costs = [float(left) for left in range(len(layers), -1, -1)]
    steps = [bytes([_EXTRA] * len(layers))]
    for expected in reversed(reference):
        below, costs = costs, [costs[-1] + 1.0] * len(costs)
        step = bytearray([_MISSING] * len(costs))
        kind = family(expected)
        for j in reversed(range(len(layers))):
            pair = below[j + 1] + _distance(expected, layers[j]) if families[j] == kind else math.inf
            options = (pair, below[j] + 1.0, costs[j + 1] + 1.0)
            costs[j] = min(options)
            step[j] = options.index(costs[j])
        steps.append(bytes(step))
    return _walk(reference, layers, steps[::-1])


def _walk(reference: Sequence[Layer], layers: Sequence[Layer], steps: Sequence[bytes]) -> list[Pair]:
    pairs: list[Pair] = []
    i, j = 0, 0
    while i < len(reference) or j < len(layers):
        step = steps[i][j]
        pairs.append((None if step == _EXTRA else reference[i], None if step == _MISSING else layers[j]))
        i, j = i + (step != _EXTRA), j + (step != _MISSING)
    return pairs


def family(layer: Layer) -> str:
    """Max and average pooling are one family; every other kind is its own."""
    return "pool" if layer.kind in ("max_pool", "avg_pool") else layer.kind


def _distance(expected: Layer, found: Layer) -> float:
    """Under 1.5 for any pair, so that changed layers pair up before one missing and one extra are reported."""
    different_shapes = (expected.input_shape != found.input_shape) + (expected.output_shape != found.output_shape)
    return min(1.4, 0.4 * len(own_differences(expected, found)) + 0.05 * different_shapes)


def _input_note(input_shape: Shape, reference: Reference) -> str:
    if not border(input_shape):
        return ""
    inside = f"pad inside {reference.layers[0].label}"
    return f"this model does not run on 28x28 images: pad MNIST by 2 in your own training too, or {inside}"


def output_check(table: LayerTable, framework: Framework) -> Check:
    """Ten outputs for each image, at most one softmax."""
    outputs = table.output_shape
    found = f"{outputs[-1] if outputs else 0} outputs, {table.output_kind}"
    if outputs != (CLASSES,):
        setting = f"{words_of(framework).ARGUMENTS['units']}={CLASSES}"
        expected = "10 outputs, one for each digit"
        return Check("output", Outcome.FAILED, expected, found, f"set {setting} in the last layer")
    if table.softmax_count > 1:
        advice = "remove one softmax: applied twice, it flattens the probabilities and training hardly progresses"
        return Check(
            "output", Outcome.FAILED, "at most one softmax", f"{table.softmax_count} softmaxes in a row", advice
        )
    return Check("output", Outcome.PASSED, found=found, try_=_softmax_note(table, framework))


def _softmax_note(table: LayerTable, framework: Framework) -> str:
    return words_of(framework).SOFTMAX_INSIDE if table.output_kind is OutputKind.PROBABILITIES else ""


def _total_check(table: LayerTable, reference: Reference) -> Check:
    expected, found = reference.parameters, table.parameters
    if found == expected:
        return Check("parameters", Outcome.PASSED, f"{expected:,}", f"{found:,}")
    difference = f"{abs(found - expected):,} {'fewer' if found < expected else 'more'}"
    advice = "fix the layers above: the total follows from them"
    if found + table.constants == expected:
        advice = f"{table.constants:,} numbers are not held as parameters: see the check named hidden"
    advice = reference.totals.get(found, advice)
    return Check("parameters", Outcome.FAILED, f"{expected:,}", f"{found:,} ({difference})", advice)


def _trainable_check(table: LayerTable, framework: Framework) -> Check:
    used = {name for layer in table.layers for name in layer.tensors}
    frozen = [t for t in table.tensors if t.name in used and t.kind is TensorKind.PARAMETER and not t.trainable]
    advice = f"remove {words_of(framework).FROZEN}: a frozen layer stays random"
    return _tensor_check("trainable", "every parameter to be trained", frozen, "frozen", advice)


def _unused_check(table: LayerTable) -> Check:
    unused = [t for t in table.unused if t.kind is TensorKind.PARAMETER]
    advice = "use the layer in the forward pass, or delete it"
    return _tensor_check("unused", "every defined layer to be used", unused, "defined but never used", advice)


def _shared_check(table: LayerTable) -> Check:
    names = {name for layer in table.layers for name in layer.shared}
    shared = [t for t in table.tensors if t.name in names]
    advice = "give each layer its own weights: create one layer object for each use"
    return _tensor_check("shared", "each layer to have its own weights", shared, "used by more than one layer", advice)


_HIDDEN = {
    TensorKind.PARAMETER: ("frozen parameters that only training uses", "use the same layers in evaluation"),
    TensorKind.BUFFER: ("a buffer", "make it a parameter: nn.Parameter, or add_weight(trainable=True)"),
    TensorKind.UNREGISTERED: (
        "unregistered tensors",
        "register them: a plain Python list hides layers, use nn.ModuleList or attributes",
    ),
    TensorKind.CONSTANT: ("a constant", "use an ordinary layer: a constant is never trained"),
}


def _hidden_check(table: LayerTable) -> Check:
    """Capacity outside the parameters; statistics of normalizations are none."""
    hidden = [t for t in table.tensors if t.name in _counted(table) and t.kind is not TensorKind.PARAMETER]
    hidden += table.beside
    kinds = sorted({t.kind for t in hidden})
    held = " and ".join(_HIDDEN[kind][0] for kind in kinds)
    held += ", the fixed codes of the classes in the RBF layer of 1998" if any(map(_are_codes, hidden)) else ""
    advice = "; ".join(_HIDDEN[kind][1] for kind in kinds)
    check = _tensor_check("hidden", "all numbers to be parameters", hidden, f"held in {held}", advice)
    return replace(check, brief=f"{sum(t.size for t in hidden):,} numbers") if hidden else check


def _counted(table: LayerTable) -> frozenset[str]:
    """Tensors of the layers that have constants, but for their statistics."""
    return frozenset(
        name
        for layer in table.layers
        if layer.constants
        for name in layer.tensors
        if layer.kind != "normalization" or name not in table.statistics
    )


def _are_codes(tensor: Tensor) -> bool:
    """Whether a tensor has a number for each class and each of the 84 pixels of its picture."""
    sides = sorted(size for size in tensor.shape if size != 1)
    return sides == [CLASSES, 84] and tensor.is_float and tensor.kind in (TensorKind.CONSTANT, TensorKind.BUFFER)


def _training_only_check(table: LayerTable) -> Check:
    """Parameters that are trained and then left out of every answer; they are in the total."""
    only = table.training_only
    advice = "use the same layers in training and evaluation"
    how = "trained, but not used in evaluation"
    check = _tensor_check("training_only", "evaluation to use every trained parameter", only, how, advice)
    return replace(check, brief=f"{sum(t.size for t in only):,} numbers") if only else check


_FINE = {
    "training_only": "evaluation uses all that is trained",
    "trainable": "all are trained",
    "unused": "all are used",
    "shared": "none is shared",
    "hidden": "none is hidden",
}


def _tensor_check(id_: str, expected: str, wrong: Sequence[Tensor], how: str, advice: str) -> Check:
    if not wrong:
        return Check(id_, Outcome.PASSED, expected, _FINE[id_])
    total = sum(t.size for t in wrong)
    return Check(id_, Outcome.FAILED, expected, f"{total:,} numbers {how}: {name_tensors(wrong)}", advice)
