"""Which values inside of a model show what it has learned. Pure."""

from __future__ import annotations

from harness.records.graph import INPUT, ModelGraph, TensorKind

MOST = 16
"""A deeper model is looked at in this many places, evenly spread."""
_KEEPS_WHAT_IT_READS = {"add", "normalization"}
"""With a parameter, these change only the scale and the position of values, which makes no difference to a linear
read-out."""


def before_layers(graph: ModelGraph) -> tuple[str, ...]:
    """The operations whose values enter a layer with parameters and depend on another one, in their order."""
    parameters = {tensor.name for tensor in graph.tensors if tensor.kind is TensorKind.PARAMETER and tensor.is_float}
    computed, learned = {INPUT}, set(parameters)  # from images, from parameters
    found: dict[str, None] = {}
    for operation in graph.operations:
        images = [name for name in operation.inputs if name in computed]
        is_layer = bool(images) and any(name in learned and name not in computed for name in operation.inputs)
        if is_layer and operation.kind not in _KEEPS_WHAT_IT_READS:
            found |= dict.fromkeys(name for name in images if name in learned)
        computed |= {operation.name} if images else set()
        learned |= {operation.name} if learned.intersection(operation.inputs) else set()
    return _spread(tuple(found))


def _spread(names: tuple[str, ...]) -> tuple[str, ...]:
    """At most MOST of them, the last one included."""
    return names[::-1][:: -(-len(names) // MOST) or 1][::-1]
