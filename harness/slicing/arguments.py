"""What a model's class or builder is called with: as the file calls it, by its defaults, or as MNIST determines."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass

from harness.slicing import names
from harness.slicing.words import DEVICES, ONE, SHAPES, SIDE, TEN, TOGETHER


@dataclass(frozen=True)
class Filled:
    """A call as text, what was filled in by its meaning, and the parameters without a known value."""

    text: str
    filled: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def fill(name: str, function: names.Function | None, tree: ast.Module, *, is_method: bool, shape: str) -> Filled:
    """A call of `name` (a class, function or `Class.method`) whose constructor or body is `function`.

    The one way in which the file itself calls it wins; then defaults, then MNIST's values. `shape` is the text of the
    input shape of a framework.
    """
    order = _parameters(function, is_method) if function else []
    called = dict.fromkeys(_as_constant(name, call, order, tree, shape) for call in _calls_of(name, tree))
    if len(called) > 1 or "" in called:
        return Filled(name, unknown=(f"arguments that differ or are known only at run time: {_written(name, tree)}",))
    if called:
        return Filled(next(iter(called)))
    required = _required(function, is_method) if function else []
    values = {parameter: known(parameter, shape, required) for parameter in required}
    unknown = tuple(parameter for parameter, value in values.items() if not value)
    given = [f"{parameter}={value}" for parameter, value in values.items() if value]
    return Filled(f"{name}({', '.join(given)})", tuple(given), unknown)


def _calls_of(name: str, tree: ast.Module) -> list[ast.Call]:
    """The calls of a name; of a method of an object, those of any object's method of that name."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if "()." in name:
        method = name.rpartition(".")[2]
        return [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == method]
    return [call for call in calls if names.dotted(call.func) == name]


def _written(name: str, tree: ast.Module) -> str:
    return ", ".join(dict.fromkeys(ast.unparse(call)[:60] for call in _calls_of(name, tree)))[:200]


def _as_constant(name: str, call: ast.Call, order: list[str], tree: ast.Module, shape: str) -> str:
    """A call with literal arguments: those that are literals, variables that hold one literal throughout the file, and
    those that MNIST determines by the parameter's meaning. Empty if an argument is none of these."""
    constants = _constants(tree)
    given = [*zip(order, call.args, strict=False), *((keyword.arg or "", keyword.value) for keyword in call.keywords)]
    if len(given) < len(call.args) + len(call.keywords) or any(isinstance(arg, ast.Starred) for arg in call.args):
        return ""
    texts = []
    for position, (parameter, value) in enumerate(given):
        text = _constant_text(value, constants) or known(parameter, shape, order)
        if not text:
            return ""
        texts.append(text if position < len(call.args) else f"{parameter}={text}")
    return f"{name}({', '.join(texts)})"


def _constant_text(value: ast.expr, constants: dict[str, ast.expr]) -> str:
    return ast.unparse(_Insert(constants).visit(copy.deepcopy(value))) if _is_constant(value, constants) else ""


class _Insert(ast.NodeTransformer):
    """Replaces a variable with the literal that it holds."""

    def __init__(self, constants: dict[str, ast.expr]) -> None:
        self._constants = constants

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The literal, where it is known."""
        return self._constants.get(node.id, node)


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Variables that are assigned once in the whole file, with a literal."""
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


def _parameters(function: names.Function, is_method: bool) -> list[str]:
    """Parameters that may be given by position, except `self`."""
    order = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
    return order[1:] if is_method else order


def _required(function: names.Function, is_method: bool) -> list[str]:
    """Parameters without a default, except `self`."""
    plain = [*function.args.posonlyargs, *function.args.args]
    needed = [argument.arg for argument in plain[: len(plain) - len(function.args.defaults)]]
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    needed += [argument.arg for argument, default in pairs if default is None]
    return needed[1:] if is_method else needed


def known(parameter: str, shape: str, beside: list[str]) -> str:
    """The value that MNIST gives a parameter, by its name and those `beside` it; empty if unknown."""
    name = parameter.lower()
    if name in TOGETHER and len({other.lower() for other in beside} & set(TOGETHER)) > 1:
        return TOGETHER[name]
    for known, value in ((TEN, "10"), (ONE, "1"), (SIDE, "28"), (SHAPES, shape), (DEVICES, "'cpu'")):
        if name in known:
            return value
    return ""


NOT_GIVEN = "argument_not_given"
"""The name that stands for values missing from the command line."""


def without_questions(tree: ast.Module) -> ast.Module:
    """A program whose argument parsers require nothing. Required values may not be used."""
    changed: ast.Module = _Unasked().visit(copy.deepcopy(tree))
    return changed


class _Unasked(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if names.called(node) != "add_argument" or not node.args:
            return node
        first, given = node.args[0], {keyword.arg for keyword in node.keywords}
        is_positional = isinstance(first, ast.Constant) and not str(first.value).startswith("-")
        if is_positional and "nargs" not in given:
            node.keywords.append(ast.keyword(arg="nargs", value=ast.copy_location(ast.Constant("?"), node)))
        if (is_positional or "required" in given) and "default" not in given:
            missing = ast.copy_location(ast.Name(id=NOT_GIVEN, ctx=ast.Load()), node)
            node.keywords.append(ast.keyword(arg="default", value=missing))
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != "required"]
        return node
