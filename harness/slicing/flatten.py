"""A program as one list of statements, with `if __name__ == "__main__"` and functions like `main()` inlined.

Such functions are never called. If a model is created inside one, its statements replace the call, so that they can be
sliced like the others.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

from harness.slicing import names
from harness.slicing.effects import statements
from harness.slicing.kinds import Kinds, assigned
from harness.slicing.words import MODELS, NEVER_CALLED

_DEPTH = 4


def flatten(body: Sequence[ast.stmt], kinds: Kinds, depth: int = 0) -> list[ast.stmt]:
    """The statements of a program with main guards removed, and calls that create a model inlined."""
    flat: list[ast.stmt] = []
    for node in body:
        if is_main_guard(node):
            flat += flatten(node.body, kinds, depth)  # type: ignore[attr-defined]
        elif depth < _DEPTH and (unfolded := _unfolded(node, kinds)):
            flat += flatten(unfolded, kinds, depth + 1)
        else:
            flat.append(node)
    return flat


def is_main_guard(node: ast.stmt) -> bool:
    """Whether this is `if __name__ == "__main__":`."""
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = [node.test.left, *node.test.comparators]
    words = {
        getattr(side, "id", getattr(side, "value", "")) for side in sides if isinstance(side, (ast.Name, ast.Constant))
    }
    return words == {"__name__", "__main__"}


def unfold(function: names.Function, call: ast.Call, target: ast.expr | None, kinds: Kinds) -> list[ast.stmt]:
    """The statements that a call stands for: its arguments bound, its body, its result assigned. Empty if it returns in
    the middle of its body."""
    returns = [part for part in statements(function.body) if isinstance(part, ast.Return)]
    last = function.body[-1]
    if any(part is not last for part in returns):
        return []
    body = [part for part in function.body if not isinstance(part, (ast.Return, ast.Global))]
    if isinstance(last, ast.Return) and last.value is not None and target is not None:
        body.append(ast.copy_location(ast.Assign(targets=[target], value=last.value), last))
    bindings = _bindings(function, call)
    clash = _locals(function) & _taken(kinds)
    rename = _Rename({name: f"{name}_in_{function.name}" for name in clash})
    body = [rename.visit(copy.deepcopy(part)) for part in body]
    return [*(_renamed_target(part, rename) for part in bindings), *body]


def _unfolded(node: ast.stmt, kinds: Kinds) -> list[ast.stmt]:
    call, target = _called_alone(node)
    function = kinds.facts.functions.get(names.dotted(call.func)) if call else None
    if call is None or function is None or isinstance(function, ast.AsyncFunctionDef):
        return []
    if kinds.returns_model(function) and not NEVER_CALLED.match(function.name):
        return []
    return unfold(function, call, target, kinds) if makes_model_inside(function, kinds) else []


def makes_model_inside(function: names.Function, kinds: Kinds, depth: int = 0) -> bool:
    """Whether running a function creates a model in its own statements or in those of its callees."""
    if any(kind == "model" for _, kind in kinds.made_in(function.body)):
        return True
    if any(kinds.holds(value) for part in statements(function.body) for _, value in assigned(part)):
        return True
    if any(isinstance(part, ast.ClassDef) and kinds.facts.is_model(part, MODELS) for part in statements(function.body)):
        return True
    called = {names.dotted(call.func) for part in statements(function.body) for call in names.calls(part)}
    inner = (
        kinds.facts.functions[name] for name in sorted(called & set(kinds.facts.functions)) if name != function.name
    )
    return depth < _DEPTH and any(makes_model_inside(item, kinds, depth + 1) for item in inner)


def _called_alone(node: ast.stmt) -> tuple[ast.Call | None, ast.expr | None]:
    """The one call that a statement is, and what it is assigned to; `sys.exit(main())` is a call of main."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        inner = call.args[0] if names.called(call) == "exit" and call.args else call
        return (inner if isinstance(inner, ast.Call) else call), None
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and len(node.targets) == 1:
        return node.value, node.targets[0]
    return None, None


def _bindings(function: names.Function, call: ast.Call) -> list[ast.stmt]:
    """The arguments of a call, and the defaults of the other parameters, as assignments."""
    order = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
    given: dict[str, ast.expr] = dict(zip(reversed(order), reversed(function.args.defaults), strict=False))
    keyword_only = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    given |= {argument.arg: default for argument, default in keyword_only if default}
    given |= dict(zip(order, call.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    bound = []
    for name, value in given.items():
        target = ast.copy_location(ast.Name(id=name, ctx=ast.Store()), value)
        bound.append(ast.copy_location(ast.Assign(targets=[target], value=value), value))
    return bound  # type: ignore[return-value]


def _locals(function: names.Function) -> set[str]:
    shared = {name for part in ast.walk(function) if isinstance(part, ast.Global) for name in part.names}
    return (names.parameters(function) | {n for part in function.body for n in names.bound(part)}) - shared


def _taken(kinds: Kinds) -> set[str]:
    """Names that mean something else outside: bound by the module, or read from it by a function or class."""
    body = kinds.facts.body
    definitions = [*kinds.facts.functions.values(), *kinds.facts.classes.values()]
    bound = {name for node in body for name in names.bound(node)}
    return bound | {name for node in definitions for name in names.reads(node)} & bound


class _Rename(ast.NodeTransformer):
    """Gives variables other names, in every scope inside."""

    def __init__(self, new: dict[str, str]) -> None:
        self._new = new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.copy_location(ast.Name(id=self._new.get(node.id, node.id), ctx=node.ctx), node)


def _renamed_target(node: ast.stmt, rename: _Rename) -> ast.stmt:
    """A binding of a parameter: its value is read outside, so only its own name changes."""
    assert isinstance(node, ast.Assign)
    return ast.copy_location(ast.Assign(targets=[rename.visit(node.targets[0])], value=node.value), node)
