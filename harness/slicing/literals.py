"""How much data is written into a program: the size of its numbers, strings and bytes."""

from __future__ import annotations

import ast
from collections import Counter

_DIGITS_PER_BIT = 0.30103


def literals(tree: ast.AST) -> Counter[int]:
    """Bytes of literals by the line on which the statement that holds them begins.

    A string counts as UTF-8, a number with its digits. A string that is a statement of its own, such as a docstring,
    does not count. Iterative, and linear in the size of the tree.
    """
    found: Counter[int] = Counter()
    left: list[tuple[ast.AST, int]] = [(tree, 1)]
    while left:
        node, line = left.pop()
        if isinstance(node, ast.stmt):
            line = node.lineno
        if isinstance(node, ast.Constant):
            found[line] += _size(node.value)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            left += [(part, line) for part in ast.iter_child_nodes(node)]
    return found


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, (bool, int)):  # repr() of a huge one raises an error
        return int(value.bit_length() * _DIGITS_PER_BIT) + 1
    return len(repr(value)) if isinstance(value, (float, complex)) else 0
