"""Classes and functions that a program hands on as values, so that somebody else calls them: with what arguments?"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness.slicing import names
from harness.slicing.effects import Facts
from harness.slicing.slicer import slice_function

_ASKS_OF_TYPE = {"isinstance", "issubclass", "super", "type", "help", "print", "getsource"}


def is_spoken_of(name: str, tree: ast.Module) -> bool:
    """Whether a program names a class anywhere but in classes made from it and in questions about types."""
    return any(True for _ in _mentions(name, tree))


def _mentions(name: str, tree: ast.Module) -> Iterator[ast.Name]:
    quiet = {id(part) for node in ast.walk(tree) for top in _quiet(node, name) for part in ast.walk(top)}
    for part in ast.walk(tree):
        if isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Load) and id(part) not in quiet:
            yield part


def _quiet(node: ast.AST, name: str) -> list[ast.AST]:
    """The parts of a node in which speaking of a class makes nothing of it."""
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
    """A parameter that the model depends on and that is given where nobody can follow it, with its line.

    `KerasClassifier(create_model, neurons=64)` and `param_grid = {"model__neurons": [10, 20]}` call `create_model` with
    other arguments than its defaults.
    """
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    if not any(id(mention) not in calls for mention in _mentions(name, tree)):
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
    """Words by which a piece of syntax may give an argument: a keyword, or the key of a dictionary."""
    if isinstance(node, ast.Call):
        yield from ((keyword.arg, node.lineno) for keyword in node.keywords if keyword.arg)
    elif isinstance(node, ast.Dict):
        keys = (key.value for key in node.keys if isinstance(key, ast.Constant))
        yield from ((key, node.lineno) for key in keys if isinstance(key, str))
