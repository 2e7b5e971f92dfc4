"""How many numbers a model holds that are not parameters and that no shape in the layer table shows.

A number costs 32 bits where it is new, and as many bits as tell it apart from those that are there already: a hundred
slopes of which each is one of two values hold a hundred bits. What is in both graphs counts once.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass

from harness.language.graph import ModelGraph
from harness.language.literals import WORD, bits_of_sequence
from harness.language.settings import Setting, index_widths, settings, shown_sizes
from harness.language.wiring import bits_of_wiring
from harness.records.graph import Tensor, TensorKind

_FEW_INTEGERS = 16
_STRUCTURE = 64 * WORD
"""What the order of operators may hold without hiding anything: unrolled recurrent layers need most of it, other
networks a tenth."""


@dataclass(frozen=True)
class Hidden:
    """The numbers in words of 32 bits, and the operator that holds the most of them."""

    words: int
    largest: str = ""


def hidden_numbers(model: ModelGraph) -> Hidden:
    """What a model holds in constants, attributes, sizes, slices, tensors too small for the layer table, and in an
    order of operators that is no network's."""
    graphs = (model.training, model.evaluation)
    shown = shown_sizes(model)
    training, evaluation = (Counter(settings(graph, shown, model.evaluation)) for graph in graphs)
    bits = _bits_of_settings(training | evaluation)
    bits["the order of operators"] = max(0, max(map(bits_of_wiring, graphs)) - _STRUCTURE)
    chooses = [index_widths(graph) for graph in graphs]
    for tensor in model.tensors:
        if tensor.name in model.used and not tensor.trainable and not is_capacity(tensor):
            width = max(widths.get(tensor.name, 0) for widths in chooses)
            bits["a small tensor"] += tensor.size * min(tensor.bits, width)
    largest = max(bits, key=lambda name: bits[name], default="")
    return Hidden(math.ceil(sum(bits.values()) / WORD), largest)


def is_capacity(tensor: Tensor) -> bool:
    """Whether a tensor's numbers are counted in the layer table. A single constant number (a scale, an epsilon) is not,
    nor are a few integers (a counter, a shape, indices); a table of integers is, because it can hold weights."""
    if not tensor.is_float:
        return tensor.size > _FEW_INTEGERS
    return tensor.kind is not TensorKind.CONSTANT or tensor.size > 1


def _bits_of_settings(found: Counter[Setting]) -> dict[str, float]:
    """By operator. A value that is known from another place costs only as much as the choice among those."""
    places: dict[tuple[str, str], Counter[Setting]] = defaultdict(Counter)
    for setting, count in found.items():
        places[setting.operator, setting.place][setting] += count
    bits: dict[str, float] = defaultdict(float)
    known: set[Hashable] = set()
    for (operator, _), counts in places.items():
        choice = math.log2(len(known) + 1) + 1
        new = {s: min(s.bits, choice) if s.value in known else s.bits for s in counts}
        bits[operator] += bits_of_sequence(counts, new.__getitem__)
        known.update(setting.value for setting in counts if setting.bits >= WORD)
    return bits
