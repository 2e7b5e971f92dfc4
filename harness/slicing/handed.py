"""What a program passes on: classes and functions that other code calls, models that training changes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from harness.slicing import names
from harness.slicing.effects import Facts, statements
from harness.slicing.slicer import slice_function
from harness.slicing.words import LOSSES, NEVER_CALLED, RELAYERS

_ASKS_OF_TYPE = {"isinstance", "issubclass", "super", "type", "help", "print", "getsource"}


def is_spoken_of(name: str, tree: ast.Module) -> bool:
    """Whether a program names a class anywhere but in classes made from it and in questions about types."""
    return any(True for _ in _mentions(name, tree))


def is_handed_on(name: str, tree: ast.Module) -> bool:
    """Whether a class or function is used as a value, or decorated, so that other code may call it."""
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name]
    is_decorated = any(isinstance(item, (ast.Name, ast.Call)) for node in classes for item in node.decorator_list)
    return is_decorated or any(id(mention) not in calls for mention in _mentions(name, tree))


def _mentions(name: str, tree: ast.Module) -> Iterator[ast.Name]:
    quiet = {id(part) for node in ast.walk(tree) for top in _quiet(node, name) for part in ast.walk(top)}
    for part in ast.walk(tree):
        if isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Load) and id(part) not in quiet:
            yield part


def _quiet(node: ast.AST, name: str) -> list[ast.AST]:
    """The parts of a node in which naming a class does not use it."""
    if isinstance(node, ast.ClassDef):
        return [node] if node.name == name else [*node.bases, *node.keywords]
    if isinstance(node, ast.FunctionDef) and node.returns is not None:
        return [node.returns]
    if isinstance(node, ast.arg) and node.annotation is not None:
        return [node.annotation]
    if isinstance(node, ast.AnnAssign):
        return [node.annotation]
    is_question = isinstance(node, ast.Call) and names.called(node) in _ASKS_OF_TYPE
    return [part for part in node.args if isinstance(part, ast.Name)] if is_question else []  # type: ignore[attr-defined]


def given_elsewhere(name: str, function: names.Function, tree: ast.Module, facts: Facts) -> tuple[str, int] | None:
    """A parameter that the model depends on and that is set where it cannot be traced, with its line.

    `KerasClassifier(create_model, neurons=64)` and `param_grid = {"model__neurons": [10, 20]}` call `create_model` with
    other arguments than its defaults.
    """
    if not is_handed_on(name, tree):
        return None
    kept = slice_function(function, facts) if function.name != "__init__" else function
    read = {part.id for node in kept.body for part in ast.walk(node) if isinstance(part, ast.Name)}
    wanted = {argument.arg for argument in names.arguments(function)} & read
    inside = {id(part) for node in _definitions(name, function, tree) for part in ast.walk(node)}
    words = ((word, line) for part in ast.walk(tree) if id(part) not in inside for word, line in _given(part))
    return next(((word, line) for word, line in words if word.rpartition("__")[2] in wanted), None)


def _definitions(name: str, function: names.Function, tree: ast.Module) -> list[ast.AST]:
    owners = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name)
    return [function, *owners]


def _given(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Names by which a piece of syntax may set an argument: a keyword, or the key of a dictionary."""
    if isinstance(node, ast.Call):
        yield from ((keyword.arg, node.lineno) for keyword in node.keywords if keyword.arg)
    elif isinstance(node, ast.Dict):
        keys = (key.value for key in node.keys if isinstance(key, ast.Constant))
        yield from ((key, node.lineno) for key in keys if isinstance(key, str))


def changed_by_work(variable: str, body: Sequence[ast.stmt], facts: Facts) -> tuple[str, int] | None:
    """A function that is never called and would give the model in a variable other layers, with its call's line."""
    for call, function in _work(body, facts):
        order = [argument.arg for argument in names.arguments(function)]
        given = [*zip(order, call.args, strict=False), *((keyword.arg, keyword.value) for keyword in call.keywords)]
        to = {parameter for parameter, value in given if names.root(value) == variable}
        to |= {variable} - _locals(function)
        if any(_gives_layers(function, parameter, facts) for parameter in to):
            return function.name, call.lineno
    return None


def _work(body: Sequence[ast.stmt], facts: Facts) -> Iterator[tuple[ast.Call, names.Function]]:
    """Calls of the file's own functions that are never called."""
    for call in (call for part in statements(body) for call in names.calls(part)):
        function = facts.functions.get(names.dotted(call.func))
        if function is not None and NEVER_CALLED.match(function.name):
            yield call, function


def settings_of_work(body: Sequence[ast.stmt], kept: Sequence[ast.stmt], facts: Facts) -> tuple[str, str, int] | None:
    """A function that is never called and sets what the kept statements read: it, the variable and the call's line."""
    read = {name for node in kept for name in names.reads(node)}
    words = {word for node in kept for part in ast.walk(node) for word in _words(part)}
    for call, function in _work(body, facts):
        local = _locals(function)
        bound = {n for part in function.body for n in names.bound(part)} - local
        written = {names.root(target) for target in _targets(function) if set(_words(target)) <= words} - local
        if found := (bound | written) & read - {""}:
            return function.name, min(found), call.lineno
    return None


def _locals(function: names.Function) -> set[str]:
    """Names that are local to the function."""
    declared = {name for part in ast.walk(function) if isinstance(part, ast.Global) for name in part.names}
    return names.parameters(function) | {name for part in function.body for name in names.bound(part)} - declared


def _targets(function: names.Function) -> Iterator[ast.expr]:
    for part in ast.walk(function):
        if isinstance(part, (ast.Assign, ast.AugAssign)):
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            yield from (target for target in targets if isinstance(target, (ast.Attribute, ast.Subscript)))


def _words(node: ast.AST) -> list[str]:
    """The attribute or the key that a piece of syntax reads or writes."""
    if isinstance(node, ast.Attribute):
        return [node.attr]
    is_key = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
    return [str(node.slice.value)] if is_key else []  # type: ignore[attr-defined]


def _gives_layers(function: names.Function, parameter: str | None, facts: Facts) -> bool:
    parts = list(ast.walk(function))
    written = (p.value for p in parts if isinstance(p, ast.Assign) and any(_is_part(t, parameter) for t in p.targets))
    alone = (part.value for part in parts if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call))
    if any(names.called(call) in RELAYERS and _is_part(call.func, parameter) for call in alone):
        return True
    return any(_is_layer(call, facts) for value in written for call in ast.walk(value) if isinstance(call, ast.Call))


def _is_part(target: ast.expr, parameter: str | None) -> bool:
    return isinstance(target, (ast.Attribute, ast.Subscript)) and names.root(target) == parameter


def _is_layer(call: ast.Call, facts: Facts) -> bool:
    name, full = names.called(call), names.resolved(call.func, facts.table)
    is_framework = full.startswith(("torch.nn.", "nn.")) or "keras.layers." in full
    return is_framework and name[:1].isupper() and not LOSSES.match(name)
