"""How many numbers a graph holds that are not parameters and that no shape in the layer table shows.

A number costs 32 bits where it is new, and as many bits as tell it apart from those that are there already: a hundred
slopes of which each is one of two values hold a hundred bits. Zero, one, minus one and infinities need not be held.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.language.dependence import fixed
from harness.language.graph import Graph, Node
from harness.language.operators import OPERATORS
from harness.language.sizes import Dimension, Size

WORD = 32
_CONSTANT = "a constant"
_FREE = frozenset((0.0, 1.0, -1.0, math.inf, -math.inf))
_ENLARGE = ("Expand", "Tile", "Pad", "Resize")


@dataclass(frozen=True)
class Hidden:
    """The numbers of a graph in words of 32 bits, and the operator that holds the most of them."""

    words: int
    largest: str = ""


def hidden_numbers(graph: Graph) -> Hidden:
    """What the constants, attributes, slices and enlarged constants of a graph hold."""
    bits: dict[str, int] = defaultdict(int)
    for constant in graph.constants:
        bits[_CONSTANT] += _bits_of_array(constant.array) if constant.array.ndim else 0
    settings = list(_settings(graph))
    per_setting = _choice(value for _, value in settings)
    seen: set[float] = set()
    for operator, value in settings:
        bits[operator] += per_setting + (0 if value in _FREE or value in seen else WORD)
        seen.add(value)
    for operator, cost in _slices(graph):
        bits[operator] += cost
    largest = max(bits, key=lambda name: bits[name], default="")
    return Hidden(-(-sum(bits.values()) // WORD), largest)


def _choice(values: Iterable[float]) -> int:
    """Bits that tell one of these values from the others."""
    return max(len({*values}) - 1, 0).bit_length()


def _bits_of_array(array: npt.NDArray[Any]) -> int:
    """Bits of a constant. One that a few numbers make (a fill, a range, an identity, a triangle) holds only those."""
    made_of = _made_of(array.astype(np.float64))
    if made_of is not None:
        return sum(1 if value in _FREE else WORD for value in made_of)
    values, counts = np.unique(array.astype(np.float64), return_counts=True)
    new = sum(value not in _FREE for value in values.tolist())
    return WORD * new + int(counts.sum()) * (len(values) - 1).bit_length()


def _made_of(array: npt.NDArray[np.float64]) -> tuple[float, ...] | None:
    """The numbers that make an array which is a fill, a range along one axis, an identity or a triangle of ones."""
    if not array.size:
        return ()
    flat = array.ravel()
    if (flat == flat[0]).all():
        return (float(flat[0]),)
    if max(array.shape) == array.size:
        steps = np.diff(flat)
        if np.allclose(steps, steps[0], rtol=1e-5, atol=0):
            return (float(flat[0]), float(steps[0]))
    if array.ndim == 2:
        rows, columns = array.shape
        shapes = (np.eye(rows, columns), np.tril(np.ones((rows, columns))), np.triu(np.ones((rows, columns))))
        if any(np.array_equal(array, shape) or np.array_equal(array, 1 - shape) for shape in shapes):
            return (1.0,)
    return None


def _settings(graph: Graph) -> Iterator[tuple[str, float]]:
    """The operator and value of each attribute that hides a number and is not one of its usual values, of each constant
    of one number where it is used, and of each size to which a constant is enlarged."""
    constant = fixed(graph)
    scalars = {name: float(array.reshape(())) for name, array in graph.numbers.items() if array.ndim == 0}
    for node in graph.nodes:
        yield from ((_CONSTANT, scalars[name]) for name in node.inputs if name in scalars)
        for declared in OPERATORS[node.operator].attributes:
            value = node.attributes[declared.name]
            if declared.hides and value is not None and not _is_usual(value, declared.usual):
                yield node.operator, float(np.float32(value))
        if node.name in constant and node.operator in _ENLARGE:
            yield from ((node.operator, float(size)) for size in _enlarged(graph, node))


def _is_usual(value: float, usual: Iterable[float | None]) -> bool:
    return any(u is not None and math.isclose(value, u, rel_tol=1e-6) for u in usual)


def _enlarged(graph: Graph, node: Node) -> list[int]:
    """The sizes of a result that its input does not have."""
    before, after = graph.values[node.inputs[0]].shape, graph.values[node.name].shape
    return [size for size in after if isinstance(size, int) and size not in before]


def _slices(graph: Graph) -> Iterator[tuple[str, int]]:
    """What the starts of slices hold; their lengths are in the layer table. Slices that divide an axis into equal parts
    hold nothing, one that touches an end of its axis a bit."""
    groups: dict[tuple[str, int], list[Node]] = defaultdict(list)
    for node in graph.nodes:
        if node.operator == "Slice":
            groups[node.inputs[0], node.attributes["axis"]].append(node)
    for (source, axis), nodes in groups.items():
        whole = graph.values[source].shape[axis]
        yield "Slice", 0 if _are_equal_parts(nodes, whole) else sum(_bits_of_slice(node, whole) for node in nodes)


def _are_equal_parts(nodes: list[Node], whole: Dimension) -> bool:
    if isinstance(whole, Size) or any(node.attributes["step"] != 1 for node in nodes):
        return False
    bounds = sorted({_bounds(node) for node in nodes})
    length = bounds[0][1] - bounds[0][0]
    if not length or len(bounds) != -(-whole // length):
        return False
    return bounds == [(start, start + length) for start in range(0, whole, length)]


def _bounds(node: Node) -> tuple[int, int]:
    return node.attributes["start"], node.attributes["end"]


def _bits_of_slice(node: Node, whole: Dimension) -> int:
    start, end, step = (node.attributes[name] for name in ("start", "end", "step"))
    return (1 if start == 0 or end == whole else WORD) + (0 if step == 1 else 1 if step == -1 else WORD)
