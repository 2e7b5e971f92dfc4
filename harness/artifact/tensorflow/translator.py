"""From an untrusted TensorFlow graph to a graph of the language. What it does not understand is refused, never ignored.

Linear time: each node is looked at once, and each pattern at a bounded number of nodes before it.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.artifact.reading import other_arguments
from harness.artifact.tensorflow import (
    images,
    layers,
    moving,
    numbers,
    random,
    shapes,
    variables,
)
from harness.artifact.tensorflow.averages import averages_of
from harness.artifact.tensorflow.making import Drawn, Item, Making, Nowhere
from harness.artifact.tensorflow.raw import RawNode, read_mode
from harness.artifact.tensorflow.rules import RULES
from harness.artifact.translation import Translation
from harness.language.builder import Builder, Built
from harness.language.graph import Kind
from harness.language.operators import OPERATORS
from harness.language.refusals import invalid
from harness.records.draw import Draw
from harness.records.graph import Shape, Tensor

_MODULES = (
    images,
    layers,
    moving,
    numbers,
    random,
    shapes,
    variables,
)
"""What registers rules."""


def translate(mode: object, tensors: Mapping[str, Tensor], input_shape: Shape, *, is_training: bool) -> Translation:
    """The graph that one mode's raw graph computes, which is plain data of an artifact.

    Raises ArtifactError for anything that no exporter of ours could have written, and for what the language does not
    have. Both modes are translated alike: that an evaluation draws random numbers is for others to judge.
    """
    del is_training
    raw = read_mode(mode, tensors, RULES)
    averages = averages_of(raw, tensors)
    making = Making(raw, Builder(input_shape, tensors.values()), averages, tensors)
    for making.index, node in enumerate(raw.nodes):
        making.build.origin = making.index
        making.add(_results(making, node))
    making.index = len(raw.nodes) - 1
    averages.check_all_taken()
    output = making.value(making.item(raw.output))
    if output.kind is not Kind.FLOAT:
        raise invalid("an output of float numbers", f"{output.kind} numbers")
    built = making.build.finish(output)
    return Translation(built.graph, built.origins, _draws(built, making.draws))


def _results(making: Making, node: RawNode) -> tuple[Item, ...]:
    rule = RULES[node.operator]
    read = rule.read(node)
    try:
        valueless = _valueless(making, node)
        return rule.apply(making, map(making.items, node.arguments), read) if valueless is None else (valueless,)
    except (LookupError, TypeError, ValueError, ArithmeticError):
        raise other_arguments(node.operator) from None


def _valueless(making: Making, node: RawNode) -> Item | None:
    """What a node computes from something that has no value in the language, and so has none either."""
    if node.operator not in _ON_VALUELESS:
        return None
    return next((item for r in node.references if isinstance(item := making.item(r), (Drawn, Nowhere))), None)


_ON_VALUELESS = frozenset("Mul Add AddV2 Sub FloorMod FloorDiv Cast StridedSlice Reshape Pack ConcatV2".split())
"""What Keras computes of the state of a random generator, before a number is drawn, and of a batch's statistics, before
they are averaged."""


def _draws(built: Built, draws: Mapping[int, Draw]) -> dict[str, Draw]:
    random = (node.name for node in built.graph.nodes if OPERATORS[node.operator].is_random)
    return {name: draws[built.origins[name]] for name in random}
