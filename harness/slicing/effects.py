"""Which variables a statement changes without binding them: `model.add(...)`, `layer.trainable = False`."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from harness.slicing import names
from harness.slicing.words import (
    BASES,
    CHANGES,
    FROM_DISK,
    HARMLESS,
    MOVES,
    NEVER_CALLED,
    REWRITES,
    UNTOUCHED,
    WRAPPERS,
)

_VIEWS = {"enumerate", "zip", "list", "reversed", "iter", "get_layer", "modules", "children", "parameters", "items"}
_VIEWS |= {"named_modules", "named_children", "named_parameters", "values", "range", "tuple", "sorted", "filter"}


class Facts:
    """Facts about a whole program before any of it is chosen."""

    def __init__(self, body: Sequence[ast.stmt], table: dict[str, str], local: frozenset[str] = frozenset()) -> None:
        self.body = list(body)
        self.table = table
        self.local = local
        self.functions: dict[str, names.Function] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        for node in statements(body):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.functions[node.name] = node
            elif isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
        self._asked: set[str] = set()
        self._changed: dict[int, tuple[ast.AST, set[str]]] = {}

    @cached_property
    def fixed(self) -> set[str]:
        """Names of modules, functions and classes: calling one of their attributes does not change a variable."""
        return set(self.table) | set(self.functions) | set(self.classes)

    def bodies(self, name: str) -> list[list[ast.stmt]]:
        """What calling this name may run: a function, a constructor, or any method of that name in the file."""
        found = [self.functions[name].body] if name in self.functions else []
        for owner, node in self.classes.items():
            wanted = {name, "__init__"} if owner == name else {name}
            methods = (part for part in node.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)))
            found += [method.body for method in methods if method.name in wanted]
        return found

    @cached_property
    def spoken(self) -> set[str]:
        """Attributes that the program names outside its functions, or in a class: methods that may be called."""
        found: set[str] = set()
        for node in statements(self.body):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                parts = ast.walk(node) if isinstance(node, ast.ClassDef) else names.in_scope(head(node))
                found |= {part.attr for part in parts if isinstance(part, ast.Attribute)}
        return {name for name in found if name not in HARMLESS and not NEVER_CALLED.match(name)}

    def is_model(self, node: ast.ClassDef, bases: set[str] = BASES) -> bool:
        """Whether a class is, by its bases, a layer or a model of a framework; with `MODELS`, a model."""
        for base in node.bases:
            name = names.resolved(base, self.table)
            own = self.classes.get(name)
            if own is None and name.split(".")[-1] in bases:
                return True
            if own is not None and own is not node and self.is_model(own, bases):
                return True
        return False

    @cached_property
    def aliases(self) -> dict[str, set[str]]:
        """Names that stand for one thing or parts of it, such as `layer` and `model` in `for layer in model.layers`."""
        found: dict[str, set[str]] = {}
        for node in statements(self.body):
            if isinstance(node, ast.Assign) and (sources := _viewed(node.value, self.functions) - self.fixed):
                for name in names.bound(node):
                    _note(found, name, sources)
            elif isinstance(node, (ast.For, ast.AsyncFor)) and _is_view(node.iter):
                for name in names.bound(node.target):
                    _note(found, name, names.reads(node.iter) - self.fixed)
        return found

    @cached_property
    def bound_methods(self) -> set[str]:
        """Names that stand for a changing method of a variable: `add = model.add`."""
        assigned = (node for node in statements(self.body) if isinstance(node, ast.Assign))
        methods = [node for node in assigned if isinstance(node.value, ast.Attribute) and node.value.attr in CHANGES]
        return {name for node in methods for name in names.bound(node)}

    def changed(self, node: ast.AST) -> set[str]:
        """Variables that this piece of syntax changes in place, with those that they are a part of."""
        if id(node) not in self._changed:
            self._changed[id(node)] = (node, self._find_changed(node))
        return self._changed[id(node)][1]

    def _find_changed(self, node: ast.AST) -> set[str]:
        written = {names.root(target) for target in written_in(node)}
        direct = {name for name in _called_on(node, self) if name not in self.fixed} | written - {""}
        behind = {source for name in direct for source in self._sources(name)}
        return direct | behind

    def _sources(self, name: str) -> set[str]:
        found, todo = set[str](), [name]
        while todo:
            new = self.aliases.get(todo.pop(), set()) - found
            found |= new
            todo += new
        return found

    def changed_parameters(self, name: str) -> set[int]:
        """Positions of the parameters that a function of the file changes in place."""
        changed = self._changed_in(name)
        return {
            index for index, argument in enumerate(names.arguments(self.functions[name])) if argument.arg in changed
        }

    def changed_globals(self, name: str) -> set[str]:
        """Variables of the module that a function of the file changes in place, or binds as `global`."""
        function = self.functions[name]
        if NEVER_CALLED.match(name):
            return set()
        declared = {n for part in ast.walk(function) if isinstance(part, ast.Global) for n in part.names}
        bound = {n for part in function.body for n in names.bound(part)}
        return (self._changed_in(name) - names.parameters(function) - (bound - declared)) | (declared & bound)

    def _changed_in(self, name: str) -> set[str]:
        """Names that the body of a function changes in place."""
        function = self.functions.get(name)
        if function is None or name in self._asked or NEVER_CALLED.match(name):
            return set()
        self._asked.add(name)
        inner = Facts(function.body, self.table, self.local)
        inner.functions = self.functions | inner.functions
        inner._asked = self._asked
        changed = {item for part in statements(function.body) for item in inner.changed(head(part))}
        self._asked.discard(name)
        return changed


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement of these blocks and the blocks inside; not those inside a function or class."""
    for node in body:
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for block in blocks(node):
                yield from statements(block)


def blocks(node: ast.stmt) -> list[list[ast.stmt]]:
    """The blocks of a compound statement."""
    found = [getattr(node, field, []) for field in ("body", "orelse", "finalbody")]
    found += [handler.body for handler in getattr(node, "handlers", [])]
    found += [case.body for case in getattr(node, "cases", [])]
    return [block for block in found if block]


def head(node: ast.stmt) -> ast.AST:
    """A compound statement without its blocks, for what it does by itself."""
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return node.iter
    if isinstance(node, (ast.If, ast.While)):
        return node.test
    if isinstance(node, (ast.Try, ast.With, ast.AsyncWith, ast.Match, ast.FunctionDef, ast.ClassDef)):
        return ast.Pass()
    return node


def _note(found: dict[str, set[str]], name: str, sources: set[str]) -> None:
    """A change under one name applies to its aliases too, however they were bound."""
    for source in sources - {name} if name else ():
        found.setdefault(name, set()).add(source)
        found.setdefault(source, set()).add(name)


def _viewed(value: ast.expr | None, own: Collection[str]) -> set[str]:
    """The variables that an expression may be, hold or be a part of: `model` for `model.layers[0]`, `[model, 1]`,
    `model.get_layer("c1")`, and for what a function of the file returns of its arguments."""
    if isinstance(value, ast.Name):
        return {value.id}
    parts = _called_with(value, own) if isinstance(value, ast.Call) else _held(value)
    return {source for part in parts for source in _viewed(part, own)}


def _called_with(call: ast.Call, own: Collection[str]) -> Sequence[ast.expr]:
    """What the result of a call may be a part of."""
    name = names.called(call)
    if name in WRAPPERS - {"deepcopy", "clone_model"} or name in own:
        return call.args
    if name in _VIEWS | MOVES and isinstance(call.func, ast.Attribute):
        return [call.func]
    return call.args if name in _VIEWS else []


def _held(value: ast.expr | None) -> Sequence[ast.expr | None]:
    """The expressions that contain this one, or that it contains."""
    if isinstance(value, (ast.Attribute, ast.Subscript, ast.Starred, ast.NamedExpr)):
        return [value.value]
    if isinstance(value, (ast.Tuple, ast.List, ast.Set)):
        return value.elts
    if isinstance(value, (ast.Dict, ast.BoolOp)):
        return value.values
    if isinstance(value, ast.IfExp):
        return [value.body, value.orelse]
    return [part.iter for part in value.generators] if isinstance(value, ast.ListComp) else []


def _is_view(value: ast.expr) -> bool:
    return all(names.called(call) in _VIEWS for call in names.calls(value))


def written_in(node: ast.AST) -> list[ast.expr]:
    """Attributes and items that a statement writes to, those of classes and modules too."""
    parts = (target for target in _targets(node) if isinstance(target, (ast.Attribute, ast.Subscript)))
    return [target for target in parts if not _is_untouched(target)]


def _called_on(node: ast.AST, facts: Facts) -> Iterator[str]:
    """Variables that a changing method is called on, or that are changed by a function which receives or refers to
    them."""
    alone = node.value if isinstance(node, ast.Expr) else None
    for call in names.calls(node):
        yield from _changed_by_call(call, call is alone, facts)
        given = (part for part in [*call.args, *(keyword.value for keyword in call.keywords)])
        methods = (part for part in given if isinstance(part, ast.Attribute) and part.attr in CHANGES)
        yield from (names.root(method) for method in methods)
    if isinstance(alone, ast.Call) and isinstance(alone.func, ast.Subscript):
        yield names.root(alone.func)


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, (ast.Assign, ast.Delete)):
        flat: list[ast.expr] = []
        for target in node.targets:
            flat += target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
        return flat
    return [node.target] if isinstance(node, (ast.AugAssign, ast.AnnAssign)) else []


def _is_untouched(target: ast.AST) -> bool:
    while isinstance(target, (ast.Attribute, ast.Subscript)):
        if isinstance(target, ast.Attribute) and target.attr in UNTOUCHED:
            return True
        target = target.value
    return False


def _changed_by_call(call: ast.Call, alone: bool, facts: Facts) -> Iterator[str]:
    name = names.called(call)
    changes = name in CHANGES or (alone and name not in HARMLESS and not NEVER_CALLED.match(name))
    if changes and isinstance(call.func, ast.Attribute) and not _is_untouched(call.func):
        yield names.root(call.func)
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if name in REWRITES or (name.endswith("_") and not isinstance(call.func, ast.Name)):
        yield from (names.root(value) for value in given[:1])
    elif isinstance(call.func, ast.Name) and name in facts.bound_methods:
        yield name
    elif name in facts.functions and isinstance(call.func, ast.Name):
        yield from facts.changed_globals(name)
        for position in facts.changed_parameters(name):
            yield from (names.root(value) for value in _given_at(call, position, facts.functions[name]))
    elif alone and _is_own_helper(call, facts):
        yield from (names.root(value) for value in given)


def _given_at(call: ast.Call, position: int, function: names.Function) -> list[ast.expr]:
    if position < len(call.args):
        return [call.args[position]]
    name = names.arguments(function)[position].arg
    return [keyword.value for keyword in call.keywords if keyword.arg == name]


def _is_own_helper(call: ast.Call, facts: Facts) -> bool:
    """A function that comes from another file of the student, and may add layers to what it is given."""
    module = names.resolved(call.func, facts.table).split(".")[0]
    name = names.called(call)
    return module in facts.local | {""} and name not in HARMLESS | FROM_DISK and not NEVER_CALLED.match(name)
