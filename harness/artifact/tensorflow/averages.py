"""What a raw TensorFlow graph writes: moving averages of batch statistics, and the state of generators and counters.

A moving average is `AssignVariableOp(t, AddV2(Mul(ReadVariableOp(t), momentum), Mul(batch, 1 - momentum)))`. Nothing
else may be written, and nothing else may read what is averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.artifact.reading import other_arguments
from harness.artifact.tensorflow.match import Pattern, is_read_once, matches, number_of, stripped
from harness.artifact.tensorflow.raw import Argument, Held, RawGraph, RawNode, Result
from harness.language.builder import kind_of
from harness.language.graph import Kind
from harness.language.refusals import not_supported
from harness.records.errors import ArtifactError
from harness.records.graph import Tensor

_MOVING: Pattern = ("AddV2", ("Mul", "old", "momentum#"), ("Mul", "batch", "rest#"))
WRITES = ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp")
_ON_VARIABLES = (*WRITES, "ReadVariableOp", "ResourceGather")


@dataclass(frozen=True)
class Average:
    """A statistic that becomes momentum * old + (1 - momentum) * batch. `position` counts the writes to its tensor."""

    tensor: str
    momentum: float
    position: int


@dataclass
class Averages:
    """The moving averages of a graph by the result that they average; `counters` are the tensors written with whole
    numbers. What batch normalizations take is counted: at the end, nothing may be left."""

    of: Mapping[Result, Average]
    counters: frozenset[str]
    taken: dict[str, int] = field(default_factory=dict)

    def take(self, mean: Argument, variance: Argument) -> tuple[Average, Average] | None:
        """The averages of a batch's mean and variance; None where neither is averaged. Raises ArtifactError."""
        found = [self.of.get(batch) for batch in (mean, variance) if isinstance(batch, Result)]
        known = [average for average in found if average is not None]
        if not known:
            return None
        if len(known) < 2 or known[0].momentum != known[1].momentum or known[0].tensor == known[1].tensor:
            raise _other_writes()
        for average in known:
            if self.taken.get(average.tensor, 0) != average.position:
                raise _other_writes()
            self.taken[average.tensor] = average.position + 1
        return known[0], known[1]

    def check_all_taken(self) -> None:
        """Raises ArtifactError where a graph averages anything but the statistics of a batch normalization."""
        if sum(self.taken.values()) != len(self.of):
            raise _other_writes()


def averages_of(raw: RawGraph, tensors: Mapping[str, Tensor]) -> Averages:
    """What a graph writes. Raises ArtifactError for anything but moving averages and counters."""
    found: dict[Result, Average] = {}
    last_write: dict[str, int] = {}
    counters, written, read = set[str](), dict[str, int](), dict[str, int]()
    for index, node in enumerate(raw.nodes):
        if node.operator not in _ON_VARIABLES:
            continue
        name = _variable(node)
        if node.operator not in WRITES:
            read[name] = read.get(name, 0) + 1
        elif kind_of(tensors[name]) is not Kind.FLOAT:
            counters.add(name)
        else:
            batch, momentum = _moving(raw, node, tensors[name], last_write.get(name, -1))
            if batch in found:
                raise _other_writes()
            found[batch] = Average(name, momentum, written.get(name, 0))
            written[name], last_write[name] = written.get(name, 0) + 1, index
    if any(read[name] != count for name, count in written.items()):
        raise not_supported("computing with a tensor that the model writes")
    return Averages(found, frozenset(counters))


def _variable(node: RawNode) -> str:
    if not node.arguments or not isinstance(node.arguments[0], Held):
        raise other_arguments(node.operator)
    return node.arguments[0].name


def _moving(raw: RawGraph, node: RawNode, tensor: Tensor, last_write: int) -> tuple[Result, float]:
    """The batch's statistic and the momentum. The old value must be read after the last write, and for this alone."""
    if node.operator == "AssignVariableOp" and len(node.arguments) == 2 and not tensor.trainable:
        for found in matches(raw, node.arguments[1], _MOVING, {}):
            old, batch = found["old"], stripped(raw, found["batch"])
            read = raw.made_by(old, "ReadVariableOp")
            if read is None or read.arguments != (Held(tensor.name),) or not isinstance(batch, Result):
                continue
            momentum, rest = number_of(found["momentum#"]), number_of(found["rest#"])
            is_new = isinstance(old, Result) and old.node > last_write and is_read_once(raw, old)
            if momentum is not None and rest is not None and is_new and abs(momentum + rest - 1) <= 1e-6:
                return batch, momentum
    raise _other_writes()


def _other_writes() -> ArtifactError:
    return not_supported("a model that writes to its own tensors")
