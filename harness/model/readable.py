"""Which values inside of a model show what it has learned. Pure."""

from __future__ import annotations

from harness.language.graph import IMAGES, ModelGraph
from harness.records.graph import TensorKind

MOST = 16
"""A deeper model is looked at in this many places, evenly spread."""
_KEEPS_WHAT_IT_READS = {"Add", "BatchNormalization", "LayerNormalization", "GroupNormalization"}
"""With a parameter, these change only the scale and the position of values, which makes no difference to a linear
read-out."""


def before_layers(graph: ModelGraph) -> tuple[str, ...]:
    """The evaluation nodes whose values enter a layer with parameters and depend on another one, in their order."""
    parameters = {tensor.name for tensor in graph.tensors if tensor.kind is TensorKind.PARAMETER and tensor.is_float}
    computed, learned = {IMAGES}, set(parameters)  # from images, from parameters
    found: dict[str, None] = {}
    for node in graph.evaluation.nodes:
        images = [name for name in node.inputs if name in computed]
        is_layer = bool(images) and any(name in learned and name not in computed for name in node.inputs)
        if is_layer and node.operator not in _KEEPS_WHAT_IT_READS:
            found |= dict.fromkeys(name for name in images if name in learned)
        computed |= {node.name} if images else set()
        learned |= {node.name} if learned.intersection(node.inputs) else set()
    return _spread(tuple(found))


def _spread(names: tuple[str, ...]) -> tuple[str, ...]:
    """At most MOST of them, the last one included."""
    return names[::-1][:: -(-len(names) // MOST) or 1][::-1]
