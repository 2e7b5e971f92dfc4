"""What a graph's values depend on: images, random numbers, weights."""

from __future__ import annotations

from collections.abc import Iterator

from harness.language.graph import IMAGES, Graph, ModelGraph, Node
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
    return _moments(node) if node.attributes.get("training") else ()


def statistics(model: ModelGraph) -> frozenset[str]:
    """Tensors that hold means and variances of the images: batch normalizations update them in training and read them
    in evaluation, and nothing else reads them."""
    updated = {
        name for node in _normalizing(model.training) if node.attributes["momentum"] < 1 for name in updates(node)
    }
    read = {name for node in _normalizing(model.evaluation) for name in _moments(node)}
    return frozenset(updated & read) - {*_read_elsewhere(model.training), *_read_elsewhere(model.evaluation)}


def _normalizing(graph: Graph) -> Iterator[Node]:
    """Batch normalizations of the images."""
    constant = fixed(graph)
    return (n for n in graph.nodes if n.operator == "BatchNormalization" and n.inputs[0] not in constant)


def _moments(node: Node) -> tuple[str, ...]:
    """The mean and the variance that a batch normalization is given."""
    return node.inputs[3:5] if node.operator == "BatchNormalization" else ()


def _read_elsewhere(graph: Graph) -> Iterator[str]:
    """What is read in any other way than as a mean or a variance."""
    for node in graph.nodes:
        yield from node.inputs[: len(node.inputs) - len(_moments(node))]
    yield graph.output


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
