"""Rules for variables: parameters, statistics, and the state of random generators."""

from __future__ import annotations

from harness.artifact.reading import other_arguments
from harness.artifact.tensorflow.making import Drawn, Item, Making
from harness.artifact.tensorflow.moving import gathered
from harness.artifact.tensorflow.raw import Held
from harness.artifact.tensorflow.rules import DTYPE, IGNORED_FLAG, Attribute, Only, rule
from harness.language.graph import Value

_DTYPE = Attribute(DTYPE, unread=True)


@rule("ReadVariableOp", "1", dtype=_DTYPE)
def read(making: Making, variable: Item) -> Item:
    """The tensor that a variable holds; a counter's numbers are nobody's to read."""
    name = _name(making, variable)
    return Drawn() if name in making.averages.counters else making.tensor(name)


@rule("ResourceGather", "11", dtype=_DTYPE, batch_dims=Attribute(Only(0), 0), validate_indices=IGNORED_FLAG)
def gather(making: Making, variable: Item, indices: Item, batch_dims: int) -> Item:
    """Rows of a table."""
    del batch_dims
    name = _name(making, variable)
    if name in making.averages.counters:
        return Drawn()
    return gathered(making, making.tensor(name), indices, 0)


@rule("AssignVariableOp", "11", validate_shape=IGNORED_FLAG)
@rule("AssignAddVariableOp AssignSubVariableOp", "11")
def write(making: Making, variable: Item, x: Item) -> tuple[Item, ...]:
    """Nothing: what may be written, `averages_of` knows."""
    held = making.tensor(_name(making, variable))
    if isinstance(x, Value) and (x.shape, x.kind) != (held.shape, held.kind):
        raise other_arguments(making.node.operator)
    return ()


def _name(making: Making, variable: Item) -> str:
    if not isinstance(variable, Held):
        raise other_arguments(making.node.operator)
    return variable.name
