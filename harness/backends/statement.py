"""Read what a submission says about its own parameters, in the process that runs its code, and write it as plain data.

The values come from student code: the only method called is `__index__`, of values used as numbers.
"""

from __future__ import annotations

import json
import operator
from itertools import islice
from types import ModuleType
from typing import cast

VARIABLE = "PARAMETERS"
_MOST_ENTRIES = 64
_MOST_DIGITS = 12
_NAME_LENGTH = 80


def read_statement(module: ModuleType) -> bytes:
    """PARAMETERS of a module as JSON: its entries, or what is wrong with all of it. Empty where there is none."""
    try:
        if VARIABLE not in vars(module):
            return b""
        content = _content(vars(module)[VARIABLE])
    except BaseException as error:
        content = {"problem": f"an object that cannot be read: {_kind(error)}", "entries": []}
    return json.dumps(content).encode()


def _content(value: object) -> dict[str, object]:
    if not issubclass(type(value), dict):
        return {"problem": _kind(value), "entries": []}
    stated = cast(dict[object, object], value)
    size = dict.__len__(stated)
    if size > _MOST_ENTRIES:
        return {"problem": f"a dict of {size:,} entries, where {_MOST_ENTRIES} are allowed", "entries": []}
    entries = [[_name(key), _number(number)] for key, number in islice(dict.items(stated), _MOST_ENTRIES)]
    return {"problem": "", "entries": entries}


def _name(key: object) -> str:
    return key[:_NAME_LENGTH] if type(key) is str else f"({_kind(key)} instead of a name)"


def _number(value: object) -> int | str:
    """The whole number (also NumPy's), or a description of what is there instead."""
    try:
        number = int.__index__(operator.index(value))  # type: ignore[arg-type]
    except BaseException:
        return _kind(value)
    if type(value) is bool:
        return _kind(value)
    if abs(number) >= 10**_MOST_DIGITS:
        return f"a number of more than {_MOST_DIGITS} digits"
    return number


def _kind(value: object) -> str:
    """`a list`: the type instead of the value, whose text student code would compute."""
    name = str(type.__dict__["__name__"].__get__(type(value)))[: _NAME_LENGTH // 2]
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
