"""The operators of the language for people: docs/operators.md. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from harness.language import axes, costs
from harness.language.attributes import MAX_AXES
from harness.language.interpreter import MEANINGS
from harness.language.operators import OPERATORS, REQUIRED, Attribute, Input, Operator
from harness.reports.left_out import LEFT_OUT

_HEAD = """# Operators

What a model can be made of. The audit translates the graph that a framework exported into these operators; from there
on nothing else exists: they are what is counted, trained and shown. This page is generated from
`harness/language/operators.py` and the functions that it names.

* Names and meanings are ONNX's, unless a note says otherwise. Each meaning is a function in NumPy, found through
  `harness/language/interpreter.py`; here it is in words, with the subgradient where there is no derivative.
* N is the number of images. Every size is a number, or a multiple of N plus a number. A value has at most eight axes.
* Numbers are `float` (float32), `int` (for indices) or `bool` (for masks). Inputs that may be of several kinds are of
  the same one.
* *Counted* is a number that could be changed without the layer table showing it, unless its value is a usual one.
* One multiply-accumulate is one product that is added to a sum.

| operator | inputs | attributes | result | axis of the images | multiply-accumulates |
|---|---|---|---|---|---|
"""

_LEFT_OUT = """
## Operators that are no longer taken

What has no rule in a framework's translator is *not supported yet*: the submission is `errored`, which is not its
author's fault. These operators were taken before the language existed. Apart from models that were built to cheat and
one test of layers (`max_unpool2d`), no model that was accepted has any of them. Loops, conditions, strings, files and
whatever else the frameworks have were never taken.
"""


def operators_page() -> str:
    """The content of docs/operators.md."""
    return _HEAD + "".join(map(_row, OPERATORS.values())) + _LEFT_OUT + "".join(map(_left_out, LEFT_OUT))


def _row(row: Operator) -> str:
    name = f"**{row.name}**{', random: in training only' if row.is_random else ''}"
    inputs = "<br>".join(_input(given, row.is_variadic) for given in row.inputs)
    attributes = "<br>".join(map(_attribute, row.attributes))
    note = f"<br>Note: {row.note}." if row.note else ""
    result = f"{_kind(row)}: {_words(MEANINGS[row.name])}<br>Shape: {_words(row.shape)}{note}"
    cells = (name, inputs or "none", attributes or "none", result, _batch(row), _macs(row))
    return f"| {' | '.join(cells)} |\n"


def _left_out(origin: str) -> str:
    rows = "".join(f"| {reason} | {_code(names)} |\n" for reason, names in LEFT_OUT[origin].items())
    return f"\n### {origin}\n\n| reason | operators |\n|---|---|\n{rows}"


def _code(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split())


def _words(function: Callable[..., Any]) -> str:
    """What a function says of itself, on one line."""
    return " ".join((function.__doc__ or "").split()).replace("|", "\\|")


def _input(given: Input, is_variadic: bool) -> str:
    kinds = " or ".join(given.kinds)
    least, most = given.ranks
    ranks = "" if given.ranks == (0, MAX_AXES) else f", {least if least == most else f'{least} to {most}'} axes"
    more = ", any number of times" if is_variadic else ", may be left out" if given.is_optional else ""
    return f"`{given.name}`: {kinds}{ranks.replace('1 axes', '1 axis') if least == most else ranks}{more}"


def _attribute(attribute: Attribute) -> str:
    default = "" if attribute.default is REQUIRED else f"; by default {_value(attribute.default)}"
    usual = f", unless {' or '.join(map(_value, attribute.usual))}" if attribute.usual else ""
    return f"`{attribute.name}`: {attribute.type}{default}{f'; *counted*{usual}' if attribute.hides else ''}"


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    return (
        "1/6" if value == 1 / 6 else f"{value:g}" if isinstance(value, float) and math.isfinite(value) else str(value)
    )


def _kind(row: Operator) -> str:
    if row.name == "Cast":
        return "`to`"
    if row.kind is not None or not row.inputs:
        return str(row.kind or "float")
    return "the inputs' kind" if any(len(given.kinds) > 1 for given in row.inputs) else "float"


def _batch(row: Operator) -> str:
    mixed = "" if row.mixed is axes.none else f"<br>Mixes: {_words(row.mixed)}"
    return f"{row.batch}{mixed}"


def _macs(row: Operator) -> str:
    return "none" if row.macs is costs.nothing else _words(row.macs)
