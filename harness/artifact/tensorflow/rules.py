"""The rules of the translation: for each TensorFlow operator its inputs, its attributes and what becomes of it.

What a rule does not have is refused: another number of inputs, an attribute that it does not read, a value that it does
not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.artifact.reading import other_arguments
from harness.artifact.tensorflow.making import Item, Making
from harness.artifact.tensorflow.raw import TYPES, Argument, RawNode
from harness.language.attributes import Choice, Flag, Type
from harness.language.refusals import invalid
from harness.records.errors import ArtifactError

_REQUIRED = object()

Results = tuple[Item, ...]
Translate = Callable[..., Item | Results]


@dataclass(frozen=True)
class Only:
    """An attribute that must have this value."""

    value: Any

    def read(self, value: Any) -> Any:
        """The value."""
        if type(value) is not type(self.value) or value != self.value:
            raise invalid(str(self), f"{value!a:.40}")
        return value

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Attribute:
    """An attribute's type, and what it is where it is not given. One that is `unread` changes no number."""

    type: Type
    default: Any = _REQUIRED
    unread: bool = False


@dataclass(frozen=True)
class Rule:
    """How an operator is translated. `inputs` has 1 for an input of one tensor and N for a list of them."""

    inputs: str
    attributes: Mapping[str, Attribute]
    translate: Translate

    def read(self, node: RawNode) -> dict[str, Any]:
        """The attributes that a node has. Raises ArtifactError for other inputs or attributes than the operator's."""
        if "".join(map(_letter, node.arguments)) != self.inputs or not node.attributes.keys() <= self.attributes.keys():
            raise other_arguments(node.operator)
        return {name: _read(node, name, declared) for name, declared in self.attributes.items()}

    def apply(self, making: Making, items: Iterable[Item | tuple[Item, ...]], read: Mapping[str, Any]) -> Results:
        """The results for what inputs stand for. Raises ArtifactError."""
        given = {name: value for name, value in read.items() if not self.attributes[name].unread}
        results = self.translate(making, *items, **given)
        return results if isinstance(results, tuple) else (results,)


def _letter(argument: Argument) -> str:
    return "N" if isinstance(argument, tuple) else "1"


def _read(node: RawNode, name: str, declared: Attribute) -> Any:
    value = node.attributes.get(name, declared.default)
    if value is _REQUIRED:
        raise other_arguments(node.operator)
    try:
        return value if value is declared.default else declared.type.read(value)
    except ArtifactError:
        raise other_arguments(node.operator) from None


DTYPE = Choice(TYPES)
IGNORED_FLAG = Attribute(Flag(), None, unread=True)
NO = Attribute(Only(False), False)
"""An attribute that is false wherever we know what it means."""

RULES: dict[str, Rule] = {}
"""Each operator's rule by its name."""


def rule(names: str, inputs: str, **attributes: Attribute) -> Callable[[Translate], Translate]:
    """Registers a function as the rule of these operators."""

    def register(translate: Translate) -> Translate:
        assert RULES.keys().isdisjoint(names.split()), names
        RULES.update(dict.fromkeys(names.split(), Rule(inputs, attributes, translate)))
        return translate

    return register
