"""A count in the usual notation: `conv1=146`, `120*(5*5*16+1)=30840`, `fc1 = 120 x (5x5x16 + 1)`. Pure.

Text becomes a syntax tree and the tree a number: only whole numbers, +, -, * and parentheses are evaluated.
"""

from __future__ import annotations

import ast
import operator
import re
import unicodedata
from dataclasses import dataclass

from harness.records.errors import UsageError

_LONGEST = 200
_MOST = 10**12
_ARITHMETIC = re.compile(r"[\d+*() -]+")
_TIMES = re.compile(r"(?<=[\d)])\s*[xX\u00d7\u00b7]\s*(?=[\d(])")
_THOUSANDS = re.compile(r"(?<=\d)[,_](?=\d{3}(?!\d))")
_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


@dataclass(frozen=True)
class Written:
    """A written claim: the layer, if given, the sum with its value, and the stated result.

    `sum` is empty for a plain number.
    """

    name: str
    stated: int
    sum: str = ""
    value: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether the sum, if there is one, has the result that is stated."""
        return not self.sum or self.value == self.stated


def read(text: str) -> Written:
    """`name=number`, `name=sum`, `sum=number`, `number=sum`, `name=sum=number`, or a number or sum alone.

    Raises UsageError.
    """
    name, *parts = (part.strip() for part in _plain(text).split("="))
    if _is_arithmetic(name):
        name, parts = "", [name, *parts]
    values = [_value(part) for part in parts]
    is_named = bool(name) or not text.strip().startswith("=")
    if len(text) > _LONGEST or not 1 <= len(parts) <= 2 or None in values or not is_named:
        raise UsageError(
            "a claim such as conv1=146 or 120*(5*5*16+1)=30840", repr(text[:80]), "write whole numbers, +, * and ()"
        )
    known = [(part, value) for part, value in zip(parts, values, strict=True) if value is not None]
    known.sort(key=lambda pair: pair[0].isdigit())  # as the layer table has it, 156 = (5*5*1+1)*6: the result first
    written, value = ("", 0) if known[0][0].isdigit() else known[0]
    return Written(name, known[-1][1], _spaced(written), value)


def _plain(text: str) -> str:
    """Normalizes characters: full-width parentheses, x for *, no commas inside numbers."""
    text = unicodedata.normalize("NFKC", text[: _LONGEST + 1])
    return _THOUSANDS.sub("", _TIMES.sub("*", text))


def _is_arithmetic(text: str) -> bool:
    return _ARITHMETIC.fullmatch(text) is not None


def _spaced(written: str) -> str:
    """`120*(5*5*16 + 1)`: as the layer table writes its counts."""
    return re.sub(r"\s*([+-])\s*", r" \1 ", re.sub(r"\s*\*\s*", "*", written))


def _value(text: str) -> int | None:
    """The value of a sum; None for anything else, and for numbers larger than any model."""
    if not _is_arithmetic(text):
        return None
    try:
        return _computed(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _computed(node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return _bounded(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _bounded(_OPERATORS[type(node.op)](_computed(node.left), _computed(node.right)))
    raise ValueError(ast.dump(node))


def _bounded(number: int) -> int:
    if abs(number) >= _MOST:
        raise ValueError(number)
    return number
