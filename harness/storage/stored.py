"""Stored records: how they become records again, whatever version wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import cattrs
import cattrs.gen

from harness.records.check import Check
from harness.records.layer import Layer

Record = TypeVar("Record")
_LAYERS = frozenset({"C1", "S2", "C3", "S4", "C5", "F6", "OUTPUT"})
"""The layers that checks of older versions were about."""
_OLD_KINDS = {"normalisation": "normalization"}
"""Kinds of layers in older records, and their names now."""


def structured(stored: Any, record: type[Record]) -> Record:
    """The record stored in this form. Raises what cattrs does for an invalid one."""
    return _CONVERTER.structure(stored, record)


def _check(stored: Any, record: type[Check]) -> Check:
    """A check; older versions had its name alone: `layer C1`."""
    if isinstance(stored, Mapping) and "id" not in stored:
        id_, _, about = stored["name"].partition(" ")
        is_split = (id_ == "layer" and about in _LAYERS) or (id_, about) == ("extra", "layer")
        named = {"id": id_, "about": about} if is_split else {"id": stored["name"]}
        stored = {**{key: value for key, value in stored.items() if key != "name"}, **named}
    return _as_it_is(stored, record)


def _layer(stored: Any, record: type[Layer]) -> Layer:
    """A layer; older versions spelled its kind in other ways."""
    layer = _layer_as_it_is(stored, record)
    return replace(layer, kind=_OLD_KINDS[layer.kind]) if layer.kind in _OLD_KINDS else layer


_CONVERTER = cattrs.Converter()
_as_it_is = cattrs.gen.make_dict_structure_fn(Check, _CONVERTER)
_layer_as_it_is = cattrs.gen.make_dict_structure_fn(Layer, _CONVERTER)
_CONVERTER.register_structure_hook(Check, _check)
_CONVERTER.register_structure_hook(Layer, _layer)
