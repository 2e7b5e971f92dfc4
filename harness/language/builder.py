"""Puts a graph together node by node: each is checked against the table, simplified, and written once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.language.checking import checked
from harness.language.dependence import updates
from harness.language.graph import IMAGES, Constant, Graph, Kind, Node, Value
from harness.language.operators import OPERATORS
from harness.language.refusals import invalid, not_supported
from harness.language.simplify import simplified
from harness.language.sizes import N
from harness.records.graph import Shape, Tensor

MAX_NODES = 20_000
MAX_WORK = 60_000
"""Operators written, or found to be there already, for one graph. Of the largest models that are accepted, one takes
7,000."""
MAX_CONSTANTS = 100_000
"""Numbers written into one graph; the audit's limit on a graph's text is lower."""
_KINDS = {
    **dict.fromkeys(("F64", "F32", "F16", "BF16"), Kind.FLOAT),
    **dict.fromkeys(("I64", "I32", "U8"), Kind.INT),
    "BOOL": Kind.BOOL,
}
_TYPES: dict[Kind, npt.DTypeLike] = {Kind.FLOAT: np.float32, Kind.INT: np.int64, Kind.BOOL: np.bool_}


def kind_of(tensor: Tensor) -> Kind:
    """What a tensor's numbers are. Raises KeyError for an unknown data type."""
    return _KINDS[tensor.dtype]


@dataclass(frozen=True)
class Built:
    """A finished graph, and for each of its nodes the `origin` that was set when it was written."""

    graph: Graph
    origins: Mapping[str, int]


@dataclass
class Builder:
    """A graph in the making. `origin` marks what is written next: the number of the framework's own operator."""

    input_shape: Shape
    tensors: Collection[Tensor]
    origin: int = -1
    nodes: dict[str, Node] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    constants: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.images = Value(IMAGES, (N, *self.input_shape))
        self.values[IMAGES] = self.images
        self.values.update((t.name, Value(t.name, t.shape, kind_of(t))) for t in self.tensors)
        self._written: dict[Any, Value] = {}
        self._origins: dict[str, int] = {}
        self._fixed = set(self.values) - {IMAGES}
        self._trained = {t.name for t in self.tensors if t.trainable}
        self._numbers = self._work = 0

    def emit(self, operator: str, *inputs: Value, **attributes: Any) -> Value:
        """The result of an operator on these inputs. Raises ArtifactError where the table does not allow it."""
        self._work += 1 + len(inputs) // 8
        if self._work > MAX_WORK:
            raise invalid(f"a graph that takes at most {MAX_WORK:,} operators", "more")
        read, shape, kind = checked(operator, inputs, attributes)
        return simplified(self, operator, inputs, read) or self.write(operator, inputs, read, shape, kind)

    def write(
        self, operator: str, inputs: Sequence[Value], attributes: dict[str, Any], shape: Any, kind: Kind
    ) -> Value:
        """A node as it is; the one that is there already if it neither is random nor updates a tensor."""
        key = (operator, tuple(value.name for value in inputs), tuple(sorted(attributes.items())))
        node = Node(f"v{len(self.nodes)}", operator, key[1], attributes)
        if key in self._written and not OPERATORS[operator].is_random and not updates(node):
            return self._written[key]
        if len(self.nodes) >= MAX_NODES:
            raise invalid(f"a graph of at most {MAX_NODES:,} operators", "more")
        value = Value(node.name, shape, kind)
        self.nodes[value.name] = node
        self.values[value.name] = self._written[key] = value
        self._origins[value.name] = self.origin
        if not OPERATORS[operator].is_random and self._fixed.issuperset(key[1]):
            self._fixed.add(value.name)
        if kind is Kind.FLOAT and operator != "StopGradient" and not self._trained.isdisjoint(key[1]):
            self._trained.add(value.name)
        return value

    def constant(self, numbers: Any, kind: Kind = Kind.FLOAT) -> Value:
        """Numbers written into the graph. Raises ArtifactError for whole numbers of more than 32 bits."""
        array: npt.NDArray[Any] = np.asarray(numbers)
        if kind is Kind.INT and array.size and max(map(abs, array.ravel().tolist())) >= 1 << 31:
            raise not_supported("a whole number of more than 32 bits")
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(array.astype(_TYPES[kind])).reshape(array.shape)
        key = (kind, array.shape, array.tobytes())
        if key not in self._written:
            self._numbers += array.size
            if self._numbers > MAX_CONSTANTS:
                raise invalid(f"at most {MAX_CONSTANTS:,} numbers written into a graph", "more")
            value = Value(f"c{len(self.constants)}", array.shape, kind)
            self.constants[value.name], self.values[value.name] = array, value
            self._fixed.add(value.name)
            self._written[key] = value
        return self._written[key]

    def made_by(self, value: Value, *operators: str) -> Node | None:
        """The node whose result a value is, if it is one of these operators."""
        node = self.nodes.get(value.name)
        return node if node is not None and node.operator in operators else None

    def number(self, value: Value) -> float | None:
        """The number that a constant of one number is; None for any other value."""
        array = self.constants.get(value.name)
        return float(array.reshape(())) if array is not None and array.size == 1 and array.ndim == 0 else None

    def is_fixed(self, value: Value) -> bool:
        """Whether a value depends neither on the images nor on random numbers."""
        return value.name in self._fixed

    def is_trained(self, value: Value) -> bool:
        """Whether gradients flow through a value to a trainable tensor."""
        return value.name in self._trained

    def input(self, node: Node, position: int = 0) -> Value:
        """One of the values that a node reads."""
        return self.values[node.inputs[position]]

    def finish(self, output: Value) -> Built:
        """The graph of what `output` and the updates of statistics need, its nodes numbered in their order."""
        live = self._live(output)
        names = {old: f"v{new}" for new, old in enumerate(name for name in self.nodes if name in live)}
        reads = [name for old in names for name in self.nodes[old].inputs] + [output.name]
        used = dict.fromkeys(name for name in reads if name in self.constants)
        names |= {old: f"c{new}" for new, old in enumerate(used)}
        nodes = tuple(_renamed(self.nodes[old], names) for old in self.nodes if old in live)
        constants = tuple(Constant(names[old], self.constants[old]) for old in used)
        known = {*names, *reads, IMAGES}
        kept = [name for name in self.values if name in known]
        values = {names.get(k, k): Value(names.get(k, k), self.values[k].shape, self.values[k].kind) for k in kept}
        origins = {names[old]: self._origins[old] for old in self.nodes if old in live}
        return Built(Graph(nodes, constants, names.get(output.name, output.name), values), origins)

    def _live(self, output: Value) -> set[str]:
        live = {output.name}
        for node in reversed(self.nodes.values()):
            if node.name in live or updates(node):
                live.update((node.name, *node.inputs))
        return live


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    inputs = tuple(names.get(name, name) for name in node.inputs)
    return Node(names[node.name], node.operator, inputs, node.attributes)
