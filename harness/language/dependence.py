"""What a graph's values depend on: images, random numbers, weights."""

from __future__ import annotations

from harness.language.graph import IMAGES, Graph, Node
from harness.language.operators import OPERATORS


def fixed(graph: Graph) -> frozenset[str]:
    """Values that depend neither on the images nor on random numbers: tensors, constants and what follows from them."""
    found = {name for name in graph.values if name != IMAGES and name not in graph.by_name}
    for node in graph.nodes:
        if not OPERATORS[node.operator].is_random and found.issuperset(node.inputs):
            found.add(node.name)
    return frozenset(found)


def answers_alone(graph: Graph) -> bool:
    """Whether a graph draws no random numbers and changes no tensor."""
    return not random_nodes(graph) and not any(updates(node) for node in graph.nodes)


def random_nodes(graph: Graph) -> tuple[Node, ...]:
    """The nodes that draw random numbers."""
    return tuple(node for node in graph.nodes if OPERATORS[node.operator].is_random)


def updates(node: Node) -> tuple[str, ...]:
    """The statistics that a node updates."""
    is_training = node.operator == "BatchNormalization" and node.attributes["training"]
    return node.inputs[3:5] if is_training else ()


def macs(graph: Graph) -> dict[str, int]:
    """Multiply-accumulates for one image of each node that has any; of products of weights alone, none are counted.

    Raises ArtifactError where they are not proportional to the number of images.
    """
    constant = fixed(graph)
    return {
        node.name: count
        for node in graph.nodes
        if node.name not in constant and (count := _of_one_image(graph, node.name))
    }


def _of_one_image(graph: Graph, name: str) -> int:
    node = graph.by_name[name]
    shapes = [value.shape for value in graph.inputs_of(node)]
    total = OPERATORS[node.operator].macs(shapes, graph.values[name].shape, node.attributes)
    return total if isinstance(total, int) else total.images
