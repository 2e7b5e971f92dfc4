"""What a rule of the translation is: an operator's schema, and a function from its arguments to values or views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from harness.artifact.torch.schemas import Schema
from harness.artifact.torch.views import Reference, View
from harness.artifact.torch.writer import Writer
from harness.language.graph import Value
from harness.language.refusals import invalid, not_supported

OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"
"""The keywords of operators that create tensors."""


@dataclass
class Parts:
    """The results of a node by their positions, each made when it is first referred to: a split may have more than
    anything ever reads."""

    name: str
    count: int
    make: Callable[[int], Any]
    made: dict[int, Any] = field(default_factory=dict)

    def at(self, position: int) -> Any:
        """A result. Raises ArtifactError for one that is not there or that the language does not have."""
        if not 0 <= position < self.count:
            raise invalid(f"one of {self.count:,} results of {self.name}", str(position)[:20])
        if position not in self.made:
            self.made[position] = self.make(position)
        if self.made[position] is None:
            raise not_supported(f"result {position} of {self.name}")
        return self.made[position]


Result = Value | View | Parts | tuple[Value | None, ...]
Function = Callable[..., Result]


class Takes(Enum):
    """What a rule is given for tensors, and what it gives."""

    VALUES = auto()
    """What tensors hold now."""
    REFERENCES = auto()
    """The tensors themselves, of which it may read only the shape."""
    VIEWS = auto()
    """The tensors themselves, of which it gives views."""


@dataclass(frozen=True)
class Rule:
    """How one operator is written in the language."""

    schema: Schema
    function: Function
    takes: Takes

    def __call__(self, writer: Writer, arguments: Sequence[Any]) -> Result:
        """The results for arguments as the schema reads them."""
        if self.takes is Takes.VALUES:
            arguments = [_values(writer, argument) for argument in arguments]
        return self.function(writer, *arguments)


def _values(writer: Writer, argument: Any) -> Any:
    if isinstance(argument, Reference):
        return writer.value(argument)
    if isinstance(argument, list):
        return [_values(writer, item) for item in argument]
    return argument


def rules(table: Mapping[str, Function], takes: Takes = Takes.VALUES, in_place: Sequence[str] = ()) -> Iterator[Rule]:
    """The rules of a table by schemas; those of operators named in `in_place` hold for `relu_` as for `relu`."""
    for text, function in table.items():
        yield Rule(Schema.of(text), function, takes)
        name, parameters = text.split("(", 1)
        if name in in_place:
            packet, dot, overload = name.partition(".")
            yield Rule(Schema.of(f"{packet}_{dot}{overload}({parameters}"), function, takes)
