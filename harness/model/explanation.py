"""A layer table with every count spelled out, and answers to claims about it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.model.claims import judged
from harness.model.phrases import Language, phrase
from harness.model.reasons import flattened, is_slip, name_of, parameters
from harness.model.sums import Written
from harness.records.check import Check
from harness.records.claim import Claim, Statement
from harness.records.framework import Framework
from harness.records.graph import Shape, Window
from harness.records.layer import Layer
from harness.records.verdict import Verdict


@dataclass(frozen=True)
class Counted:
    """One layer with the sums behind its figures: `28 = (28 + 2 + 2 - 5) / 1 + 1`; empty where no formula holds."""

    layer: Layer
    side: str = ""
    macs: str = ""


@dataclass(frozen=True)
class Answer:
    """A claim with the correct count. `remark` is about a written sum that has a different result."""

    claim: Claim
    sum: str = ""
    sum_value: int | None = None
    remark: str = ""

    @property
    def is_right(self) -> bool:
        """Whether number and sum are both correct for the model."""
        return self.claim.is_right and not self.remark


@dataclass(frozen=True)
class Explanation:
    """What `harness explain` says about one submission. `checks` say why it has no layers, or no claims of its own."""

    submission: str
    framework: Framework | None
    layers: tuple[Counted, ...]
    answers: tuple[Answer, ...]
    checks: tuple[Check, ...]
    language: Language

    @property
    def parameters(self) -> int:
        """Parameters of all layers, as the frameworks count them."""
        return sum(parameters(counted.layer) for counted in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return sum(counted.layer.macs for counted in self.layers)


def explained(
    verdict: Verdict, by_reference: Mapping[str, Layer], claims: Sequence[Written], language: Language
) -> Explanation:
    """The table of an examined submission, with answers to its own PARAMETERS and then to further claims.

    `by_reference` has layers of the model under the names of the corresponding reference layers.
    """
    layers = verdict.layers
    own = [Written(claim.name, claim.claimed) for claim in verdict.claims if claim.claimed is not None]
    unread = [Answer(_told(claim, language)) for claim in verdict.claims if claim.claimed is None]
    written = [*own, *_named(claims, layers)] if layers else []
    statement = Statement(tuple((claim.name, claim.stated) for claim in written))
    judgments = judged(statement, layers, {**_by_kind(layers), **by_reference}, language)
    answers = [_answer(said, claim, layers, language) for said, claim in zip(written, judgments, strict=True)]
    counted = tuple(Counted(layer, _side(layer), _macs(layer)) for layer in layers)
    return Explanation(verdict.submission, verdict.framework, counted, (*answers, *unread), _checks(verdict), language)


def _checks(verdict: Verdict) -> tuple[Check, ...]:
    if not verdict.layers:
        return verdict.checks
    return tuple(check for check in verdict.checks if check.id == "claims" and not verdict.claims)


def _told(claim: Claim, language: Language) -> Claim:
    """A claim that is not a number, in a language: the checks have it in English."""
    if claim.right is None:
        return claim
    stated, _, _ = claim.reason.partition(" instead of ")
    return replace(claim, reason=phrase("no_number", stated=stated).told(language))


_KINDS = {"conv2d": ("conv", "conv2d"), "dense": ("fc", "dense", "linear")}


def _by_kind(layers: Sequence[Layer]) -> dict[str, Layer]:
    """Layers under their common names, whatever the model calls them: conv1, conv2, fc1, dense1."""
    found: dict[str, Layer] = {}
    for kind, names in _KINDS.items():
        own = [layer for layer in layers if layer.kind == kind]
        found |= {f"{name}{at}": layer for at, layer in enumerate(own, 1) for name in names}
    return found


def _named(claims: Sequence[Written], layers: Sequence[Layer]) -> Iterator[Written]:
    """Claims without a name get one: a sum that of the matching layer, a number that of the next layer in order."""
    pairs = zip(layers, flattened(layers), strict=True)
    counted = [(layer, maps) for layer, maps in pairs if parameters(layer)]
    position = 0
    for claim in claims:
        if claim.name:
            yield claim
        elif claim.sum:
            yield replace(claim, name=_owner(claim, counted))
        else:
            yield replace(claim, name=name_of(counted[position][0]) if position < len(counted) else "")
            position += 1


def _owner(claim: Written, counted: Sequence[tuple[Layer, Shape]]) -> str:
    """The layer with the value of a sum, else with its result, else one for which it is a usual mistake; or none."""
    numbers = (claim.value, claim.stated)
    by_value, by_result = ([layer for layer, _ in counted if parameters(layer) == number] for number in numbers)
    by_slip = [layer for layer, maps in counted if is_slip(layer, claim.value, maps)]
    return next((name_of(layer) for layer in (*by_value, *by_result, *by_slip)), "")


def _answer(said: Written, claim: Claim, layers: Sequence[Layer], language: Language) -> Answer:
    remark = ""
    if not said.name:
        claim = replace(claim, reason=_unowned(said, layers, language))
    if not said.adds_up:
        remark = phrase("wrong_sum", sum=said.sum, value=said.value, stated=said.stated).told(language)
    return Answer(claim, said.sum, said.value if said.sum else None, remark)


def _unowned(said: Written, layers: Sequence[Layer], language: Language) -> str:
    if not said.sum:
        return phrase("too_many", layers=sum(parameters(layer) > 0 for layer in layers)).told(language)
    both = phrase("two_numbers", first=said.value, second=said.stated)
    numbers = both if said.sum and not said.adds_up else f"{said.stated:,}"
    return phrase("no_such_count", numbers=numbers).told(language)


def _side(layer: Layer) -> str:
    """How the height of the output is computed, and the width where it differs; the sum of what was flattened."""
    if layer.kind == "flatten":
        return f"{math.prod(layer.output_shape)} = {'*'.join(map(str, layer.input_shape))}"
    if layer.window is None or len(layer.input_shape) != 3 or len(layer.output_shape) != 3:
        return ""
    before, after, window = layer.input_shape[1:], layer.output_shape[1:], layer.window
    sides = [_spatial(before[axis], after[axis], window, axis) for axis in (0, 1)]
    return "; ".join(dict.fromkeys(sides)) if all(sides) else ""


def _spatial(before: int, after: int, window: Window, axis: int) -> str:
    """`14 = (28 - 2) / 2 + 1`; empty where the measured shape differs, as with rounding up."""
    kernel, stride, dilation = window.kernel[axis], window.stride[axis], window.dilation[axis]
    first, last = window.padding[2 * axis : 2 * axis + 2]
    reach = dilation * (kernel - 1) + 1
    places = before + first + last - reach
    if places < 0 or places // stride + 1 != after:
        return ""
    padding = f" + {first} + {last}" if first or last else ""
    covered = f"{kernel}" if dilation == 1 else f"({dilation}*({kernel} - 1) + 1)"
    quotient = f"({before}{padding} - {covered}) / {stride}"
    return f"{after} = {quotient if places % stride == 0 else f'floor({quotient})'} + 1"


def _macs(layer: Layer) -> str:
    """`117,600 = 28*28 * 5*5*1 * 6`: positions, weights of one filter, filters; inputs times units."""
    factors: list[str] = []
    if layer.kind == "conv2d" and layer.window and len(layer.output_shape) == 3:
        channels = layer.input_shape[0] // layer.groups
        factors = ["{}*{}".format(*layer.output_shape[1:]), "{}*{}".format(*layer.window.kernel) + f"*{channels}"]
        factors += [str(layer.output_shape[0])]
    elif layer.kind == "dense":
        factors = ["*".join(map(str, layer.input_shape)), str(layer.output_shape[-1])]
    numbers = [int(number) for factor in factors for number in factor.split("*")]
    return f"{layer.macs:,} = {' * '.join(factors)}" if factors and math.prod(numbers) == layer.macs else ""
