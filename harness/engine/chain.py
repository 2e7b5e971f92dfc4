"""From a graph of the language to the engine's steps. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from harness.engine.rules import RULES, Chain, NotCovered
from harness.engine.steps import Convolution, Dense, Normalization, Pointwise, Step
from harness.language.dependence import fixed
from harness.language.graph import Graph, Kind

_MOST_NODES = 2_000
"""What follows takes time that grows with the square of this. A model of so many steps has more nodes than steps."""


def chain_of(graph: Graph) -> Chain:
    """The steps of a graph, joined where several are one. Raises NotCovered."""
    if len(graph.nodes) > _MOST_NODES:
        raise NotCovered(f"more than {_MOST_NODES:,} operators")
    chain, weights = Chain(graph), fixed(graph)
    if graph.output in weights:
        raise NotCovered("outputs that do not depend on the images")
    for name, value in graph.values.items():
        if name not in weights and value.kind is Kind.FLOAT:
            chain.dims[name] = chain.image(name)
    for node in graph.nodes:
        if node.name in weights:
            continue
        if node.operator not in RULES or graph.values[node.name].kind is not Kind.FLOAT:
            raise NotCovered(node.operator)
        RULES[node.operator](chain, node)
    return _joined(_live(chain))


def _live(chain: Chain) -> Chain:
    """Only the steps that the output, or a statistic, needs."""
    needed, kept = {root_of(chain, chain.graph.output)}, []
    for step in reversed(chain.steps):
        if step.y in needed or (isinstance(step, Normalization) and step.is_training and step.mean):
            needed |= {root_of(chain, name) for name in reads_of(step)}
            kept.append(step)
    return replace(chain, steps=kept[::-1])


def root_of(chain: Chain, name: str) -> str:
    """The value whose numbers a value has."""
    while name in chain.moved:
        name = chain.moved[name][0]
    return name


def reads_of(step: Step) -> tuple[str, ...]:
    """The values that a step reads."""
    return (step.x, step.other) if isinstance(step, Pointwise) and step.other else (step.x,)


def _joined(chain: Chain) -> Chain:
    """A step, and what follows it number by number or by windows, as one, where nothing else reads what is between."""
    readers = Counter(name for step in chain.steps for name in reads_of(step))
    readers.update(source for source, _, _ in chain.moved.values())
    readers[chain.graph.output] += 1
    writers: dict[str, int] = {}
    steps: list[Step] = []
    for step in chain.steps:
        before = writers.get(step.x)
        both = _both(steps[before], step) if before is not None and readers[step.x] == 1 else None
        if both is None or before is None:
            writers[step.y] = len(steps)
            steps.append(step)
        else:
            steps[before] = both
            writers[step.y] = before
    return replace(chain, steps=steps)


def _both(first: Step, second: Step) -> Step | None:
    if not isinstance(second, Pointwise) or second.other:
        return None
    if isinstance(first, Dense):
        activation = second.epilogue.activation
        is_possible = not first.activation and not second.epilogue.pool and activation and not activation.needs_input
        return replace(first, activation=activation, y=second.y) if is_possible else None
    if isinstance(first, (Convolution, Normalization, Pointwise)):
        epilogue = first.epilogue.then(second.epilogue)
        return replace(first, epilogue=epilogue, y=second.y) if epilogue else None
    return None
