"""What a model's class or builder is called with: as the file calls it, by its defaults, or as MNIST fixes it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

from harness.slicing import names
from harness.slicing.words import ONE, SHAPES, SIDE, TEN


@dataclass(frozen=True)
class Filled:
    """A call as text, what was filled in by its meaning, and the parameters that nobody knows a value for."""

    text: str
    filled: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def fill(name: str, function: names.Function | None, tree: ast.Module, *, is_method: bool, shape: str) -> Filled:
    """A call of `name` (a class, function or `Class.method`) whose constructor or body is `function`.

    The one way in which the file itself calls it wins; then defaults, then what MNIST fixes. `shape` is the text of
    the input shape of a framework.
    """
    called = list(dict.fromkeys(ast.unparse(call) for call in _constant_calls(name, tree)))
    required = _required(function, is_method) if function else []
    if len(called) == 1:
        return Filled(called[0])
    values = {parameter: _known(parameter, shape) for parameter in required}
    unknown = tuple(parameter for parameter, value in values.items() if not value)
    given = [f"{parameter}={value}" for parameter, value in values.items() if value]
    return Filled(f"{name}({', '.join(given)})", tuple(given), unknown)


def _constant_calls(name: str, tree: ast.Module) -> Iterator[ast.Call]:
    """Calls whose arguments are literals, or variables that hold one literal throughout the file."""
    constants = _constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and names.dotted(node.func) == name:
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            plain = not any(isinstance(value, ast.Starred) for value in values)
            plain = plain and all(keyword.arg for keyword in node.keywords)
            if plain and all(_is_constant(value, constants) for value in values):
                yield _with_constants(node, constants)


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Variables that are assigned once in the whole file, and a literal."""
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        for target in names.bound(node) if isinstance(node, ast.stmt) and not isinstance(node, ast.ClassDef) else ():
            value = node.value if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else None
            values.setdefault(target, []).append(value)  # type: ignore[arg-type]
        for argument in names.arguments(node) if isinstance(node, (ast.FunctionDef, ast.Lambda)) else ():
            values.setdefault(argument.arg, []).append(None)  # type: ignore[arg-type]
    once = {name: found[0] for name, found in values.items() if len(found) == 1}
    return {name: value for name, value in once.items() if value is not None and _is_constant(value, {})}


def _is_constant(value: ast.expr, constants: dict[str, ast.expr]) -> bool:
    if isinstance(value, ast.Name):
        return value.id in constants
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
        return bool(parts) and all(_is_constant(part, constants) for part in parts)
    return True


def _with_constants(call: ast.Call, constants: dict[str, ast.expr]) -> ast.Call:
    class _Insert(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return constants.get(node.id, node)

    insert = _Insert()
    keywords = [
        ast.keyword(arg=keyword.arg, value=insert.visit(copy.deepcopy(keyword.value))) for keyword in call.keywords
    ]
    return ast.Call(func=call.func, args=[insert.visit(copy.deepcopy(value)) for value in call.args], keywords=keywords)


def _required(function: names.Function, is_method: bool) -> list[str]:
    """Parameters without a default, but for `self`."""
    plain = [*function.args.posonlyargs, *function.args.args]
    needed = [argument.arg for argument in plain[: len(plain) - len(function.args.defaults)]]
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    needed += [argument.arg for argument, default in pairs if default is None]
    return needed[1:] if is_method else needed


def _known(parameter: str, shape: str) -> str:
    name = parameter.lower()
    for known, value in ((TEN, "10"), (ONE, "1"), (SIDE, "28"), (SHAPES, shape)):
        if name in known:
            return value
    return ""
