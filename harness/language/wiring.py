"""How many bits it takes to say which operators a graph has and what each of them reads.

Numbers can be written as operators, too: x + x and x + 1 in the right order make any number from nothing. A network is
made of few parts that repeat, so that most of its operators follow from those before; a number does not.

The graph is told node by node. What followed the last time after the same operators is the model for each node: its
operator, and where its inputs are in relation to the model's. What is as expected holds almost nothing; what is not
holds as much as a choice among all that is possible.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field

from harness.language.graph import Graph, Node
from harness.language.literals import bits_of_order
from harness.language.operators import OPERATORS

_LENGTHS = (16, 8, 4, 2, 1)
"""How many operators before a node are compared, the most first."""
_AS_BEFORE, _NEW, _ALONG, _STAYS, _STEP, _ELSE = "as before", "new", "along", "stays", "step", "else"


def bits_of_wiring(graph: Graph) -> float:
    """What the operators of a graph and their inputs hold, but for the numbers in them."""
    teller = _Teller()
    for node in graph.nodes:
        teller.tell(node)
    return teller.bits + sum(bits_of_order(counts.values()) for counts in teller.outcomes.values())


@dataclass
class _Teller:
    """What is known of a graph up to a node. A position is that of a node, or of the first that reads a value."""

    bits: float = 0.0
    outcomes: dict[Hashable, Counter[Hashable]] = field(default_factory=lambda: defaultdict(Counter))
    """How often each outcome was seen after each situation."""

    def __post_init__(self) -> None:
        self._operators: list[str] = []
        self._inputs: list[list[int]] = []
        self._moves: list[list[Hashable]] = []
        self._positions: dict[str, int] = {}
        self._models: dict[tuple[str, ...], int] = {}
        self._after: dict[str, Counter[str]] = defaultdict(Counter)
        self._was_expected = False
        self._last_outcome: str = _AS_BEFORE

    def tell(self, node: Node) -> None:
        """Add what a node holds."""
        here = len(self._operators)
        model = self._model()
        is_expected = model is not None and self._operators[model] == node.operator
        self.outcomes["operator", self._was_expected][is_expected] += 1
        self._was_expected = is_expected
        if not is_expected:
            self.bits += self._operator(node.operator)
        self._read(node, here, model if is_expected else None)
        self._operators.append(node.operator)
        self._positions[node.name] = here
        for length in _LENGTHS:
            if here >= length:
                self._models[tuple(self._operators[here - length : here])] = here

    def _operator(self, operator: str) -> float:
        """What an operator holds, by how often each came after the one before."""
        after = self._after[self._operators[-1] if self._operators else ""]
        bits = math.log2((after.total() + len(OPERATORS) / 2) / (after[operator] + 0.5))
        after[operator] += 1
        return bits

    def _model(self) -> int | None:
        """The last node that came after the same operators, as many as possible."""
        for length in _LENGTHS:
            if length <= len(self._operators):
                found = self._models.get(tuple(self._operators[-length:]))
                if found is not None:
                    return found
        return None

    def _read(self, node: Node, here: int, model: int | None) -> None:
        """Add what the inputs of a node hold."""
        before = self._inputs[model] if model is not None else []
        moved = self._moves[model] if model is not None else []
        if len(before) != len(node.inputs):
            self.bits += math.log2(len(node.inputs) + 2)
        inputs: list[int] = []
        moves: list[Hashable] = []
        for k, name in enumerate(node.inputs):
            position = self._positions.setdefault(name, here)
            expected = (before[k], moved[k], here - (model or 0)) if k < len(before) else None
            moves.append(self._move(position, here, expected, self._in_step(k, inputs)))
            inputs.append(position)
        self._inputs.append(inputs)
        self._moves.append(moves)

    def _in_step(self, k: int, inputs: list[int]) -> set[int]:
        """Where an input lies if it goes on as the two before it in the node, or as in the two nodes before."""
        rows = [inputs[-2:], [before[k] for before in self._inputs[-2:] if k < len(before)]]
        return {2 * last - first for first, last in (row for row in rows if len(row) == 2)}

    def _move(self, position: int, here: int, expected: tuple[int, Hashable, int] | None, steps: set[int]) -> Hashable:
        """How an input lies in relation to the model's. Adds what that holds."""
        before, moved, period = expected or (here - 1, None, 0)
        move = _NEW if position == here else _named(position - before, period)
        outcome = _AS_BEFORE if move == moved else move
        if not isinstance(outcome, str):
            outcome = _STEP if position in steps else _ELSE
        self.outcomes["input", expected is None, self._last_outcome][outcome] += 1
        self._last_outcome = outcome
        self.bits += _bits_of_distance(here - position, here) if outcome == _ELSE else 0
        return move


def _named(distance: int, period: int) -> Hashable:
    """Inputs may move along with their readers, or be the same for all."""
    return {0: _STAYS, period: _ALONG}.get(distance, distance)


def _bits_of_distance(distance: int, most: int) -> float:
    """One of all distances, or less for one of the nearest."""
    return 1 + min(math.log2(most + 2), 2 * math.log2(distance + 1))
