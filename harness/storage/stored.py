"""Records as a store has them: how they become records again, whatever version wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import cattrs
import cattrs.gen

from harness.records.check import Check

Record = TypeVar("Record")
_LAYERS = frozenset({"C1", "S2", "C3", "S4", "C5", "F6", "OUTPUT"})
"""The layers that checks of older versions were about."""


def structured(stored: Any, record: type[Record]) -> Record:
    """What a store has of a record. Raises what cattrs does where it is none."""
    return _CONVERTER.structure(stored, record)


def _check(stored: Any, record: type[Check]) -> Check:
    """A check; older versions had its name alone: `layer C1`."""
    if isinstance(stored, Mapping) and "id" not in stored:
        id_, _, about = stored["name"].partition(" ")
        is_split = (id_ == "layer" and about in _LAYERS) or (id_, about) == ("extra", "layer")
        named = {"id": id_, "about": about} if is_split else {"id": stored["name"]}
        stored = {**{key: value for key, value in stored.items() if key != "name"}, **named}
    return _as_it_is(stored, record)


_CONVERTER = cattrs.Converter()
_as_it_is = cattrs.gen.make_dict_structure_fn(Check, _CONVERTER)
_CONVERTER.register_structure_hook(Check, _check)
