"""Which names a piece of syntax binds and reads, and what an expression is rooted in."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


def bound(node: ast.AST) -> set[str]:
    """Names that running this statement binds in its own scope; those of a nested scope are not among them."""
    names: set[str] = set()
    for part in in_scope(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, (ast.Store, ast.Del)):
            names.add(part.id)
        elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(part.name)
        elif isinstance(part, ast.alias):
            names.add(part.asname or part.name.split(".")[0])
        elif (isinstance(part, ast.ExceptHandler) and part.name) or (
            isinstance(part, (ast.MatchAs, ast.MatchStar)) and part.name
        ):
            names.add(part.name)
    return names


def in_scope(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is below it in the same scope: a nested function, class or comprehension is its head alone."""
    yield node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.comprehension):
            yield from in_scope(child)


def reads(node: ast.AST) -> set[str]:
    """Names that a piece of syntax reads from outside itself, those that a function in it reads when called too."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return _read_by_function(node)
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
        inner = {name for part in node.generators for name in _stored(part.target)}
        return _below(node) - inner
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    return _below(node) | ({node.target.id} if _is_update(node) else set())  # type: ignore[attr-defined]


def _is_update(node: ast.AST) -> bool:
    return isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)


def _below(node: ast.AST) -> set[str]:
    return {name for child in ast.iter_child_nodes(node) for name in reads(child)}


def _stored(target: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}


def _read_by_function(node: Function | ast.Lambda) -> set[str]:
    body = node.body if isinstance(node.body, list) else [node.body]
    shared = {name for part in body for item in ast.walk(part) if isinstance(item, ast.Global) for name in item.names}
    local = (parameters(node) | {name for part in body for name in bound(part)}) - shared
    outside = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
    outside += [argument.annotation for argument in arguments(node) if argument.annotation]
    outside += [*getattr(node, "decorator_list", ()), *filter(None, [getattr(node, "returns", None)])]
    inside = {name for part in body for name in reads(part)} | shared
    return (inside - local) | {name for part in outside for name in reads(part)}


def arguments(node: Function | ast.Lambda) -> list[ast.arg]:
    """Every parameter of a function, in order."""
    every = [*node.args.posonlyargs, *node.args.args, node.args.vararg, *node.args.kwonlyargs, node.args.kwarg]
    return [argument for argument in every if argument]


def parameters(node: Function | ast.Lambda) -> set[str]:
    """The names of a function's parameters."""
    return {argument.arg for argument in arguments(node)}


def root(node: ast.AST) -> str:
    """The variable that `a.b[0].c` starts from; empty where it starts from something else."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.AST) -> str:
    """`a.b.c` as text; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (front := dotted(node.value)):
        return f"{front}.{node.attr}"
    return ""


def called(node: ast.Call) -> str:
    """The last word of what a call names: `fit` for `model.fit(...)`, `Net` for `Net(...)`."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """Every call that running this piece of syntax makes; those of a nested function or class are not among them."""
    for part in in_scope(node):
        if isinstance(part, ast.Call):
            yield part
        for child in ast.iter_child_nodes(part):
            if isinstance(child, ast.comprehension):
                yield from (item for item in ast.walk(child) if isinstance(item, ast.Call))


def imports(tree: ast.Module) -> dict[str, str]:
    """What each imported name means: `nn` is `torch.nn`. A star import is listed under `*` and the module's name."""
    table: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                table[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                if alias.name == "*":
                    table[f"*{module}"] = module
                else:
                    table[alias.asname or alias.name] = f"{module}.{alias.name}"
    return table


def resolved(node: ast.AST, table: dict[str, str]) -> str:
    """What a dotted name stands for, by the imports: `torch.nn.Linear` for `nn.Linear`."""
    name = dotted(node)
    first, _, rest = name.partition(".")
    full = table.get(first, first)
    return f"{full}.{rest}" if rest else full
