"""The program slice: the statements of a program that some names depend on, in their order."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from typing import TypeVar

from harness.slicing import names
from harness.slicing.effects import Facts, statements, written_in
from harness.slicing.words import HARMLESS, NEVER_CALLED, OPTIMIZERS, READS_DATA, SETTINGS, TRANSPARENT, WORK

_T = TypeVar("_T", bound=ast.AST)
_ENDS = (ast.Return, ast.Raise, ast.Break, ast.Continue)


def slice_program(body: Sequence[ast.stmt], needed: set[str], facts: Facts) -> list[ast.stmt]:
    """The statements that the values of `needed` depend on once all of `body` has run.

    What a function reads when called may be bound after it, any number of times: of such names every binding is kept,
    of the others the last. Repeats until no kept function reads a new name.
    """
    return _rounds(body, needed, facts)


def _rounds(body: Sequence[ast.stmt], needed: set[str], facts: Facts, *, in_function: bool = False) -> list[ast.stmt]:
    late: set[str] = set()
    objects: set[str] = set()
    while True:
        slicer = _Slicer(facts, late, needed | objects, in_function=in_function)
        kept, _ = slicer.backward(body, _all_of(needed | late) | {_object(name) for name in objects}, ends=in_function)
        if slicer.late <= late and slicer.read <= objects:
            return kept
        late |= slicer.late
        objects |= slicer.read


def _object(name: str) -> str:
    """Marks that the value of a name is needed, though the name itself may be rebound: `conv` in `net =
    Sequential(conv)` is a part of the net, and freezing it later freezes that part."""
    return f"~{name}"


def _all_of(found: set[str]) -> set[str]:
    return found | {_object(name) for name in found}


class _Slicer:
    """One walk from the last statement to the first."""

    def __init__(self, facts: Facts, late: set[str], wanted: set[str], *, in_function: bool = False) -> None:
        self._facts = facts
        self._wanted = wanted
        self._always = set(late)
        self._in_function = in_function
        self.late: set[str] = set()
        self.read: set[str] = set()

    def backward(
        self, body: Sequence[ast.stmt], needed: set[str], *, ends: bool = False
    ) -> tuple[list[ast.stmt], set[str]]:
        """What is kept of a block, and the names that are needed before it. `ends` keeps the ways out of it."""
        kept: list[ast.stmt] = []
        needed = set(needed)
        for node in reversed(body):
            part, needed = self._statement(node, needed, ends)
            kept[:0] = part
        return kept, needed

    def _statement(self, node: ast.stmt, needed: set[str], ends: bool) -> tuple[list[ast.stmt], set[str]]:
        if isinstance(node, ast.If):
            return self._if(node, needed, ends)
        if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            return self._loop(node, needed)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            return self._with(node, needed, ends)
        if isinstance(node, (ast.Try, ast.TryStar)):
            return self._try(node, needed, ends)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            return self._import(node, needed)
        if isinstance(node, _ENDS) and ends:
            return [node], needed | self._reads(node)
        return self._simple(node, needed)

    def _simple(self, node: ast.stmt, needed: set[str]) -> tuple[list[ast.stmt], set[str]]:
        if self._in_function and _keeps_other_things(node):
            return [], needed
        binds = names.bound(node)
        acts = _is_setting(node) or (self._in_function and _may_matter(node))
        changes = {_object(name) for name in self._facts.changed(node)}
        if not (acts or binds & needed or changes & needed):
            return [], needed
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            node = self._definition(node)
            self.late |= names.reads(node) | (binds if isinstance(node, ast.ClassDef) else set())
        elif any(isinstance(part, ast.Lambda) for part in ast.walk(node)):
            self.late |= {n for part in ast.walk(node) if isinstance(part, ast.Lambda) for n in names.reads(part)}
        killed = binds - self._always if _binds_whole(node) else set()
        return [node], (needed - _all_of(killed)) | self._reads(node)

    def _reads(self, *nodes: ast.AST) -> set[str]:
        """Note what these read: the names and their values."""
        found = {name for node in nodes for name in names.reads(node)}
        if any(_looks_up(node) for node in nodes):
            found |= set(self._facts.functions) | set(self._facts.classes)
        self.read |= found
        return _all_of(found)

    def _definition(self, node: ast.stmt) -> ast.stmt:
        """A function or class, sliced itself."""
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return slice_function(node, self._facts, self._wanted)
        return slice_class(node, self._facts) if isinstance(node, ast.ClassDef) else node

    def _import(self, node: ast.Import | ast.ImportFrom, needed: set[str]) -> tuple[list[ast.stmt], set[str]]:
        """Only the names that are needed. A star may give any name; `__future__` changes how the file is read."""
        if isinstance(node, ast.ImportFrom) and (node.module == "__future__" or node.names[0].name == "*"):
            return [node], needed
        wanted = [alias for alias in node.names if (alias.asname or alias.name.split(".")[0]) in needed]
        if not wanted:
            return [], needed
        if isinstance(node, ast.Import):
            kept: ast.stmt = ast.Import(names=wanted)
        else:
            kept = ast.ImportFrom(module=node.module, names=wanted, level=node.level)
        return [ast.copy_location(kept, node)], needed

    def _if(self, node: ast.If, needed: set[str], ends: bool) -> tuple[list[ast.stmt], set[str]]:
        body, before_body = self.backward(node.body, needed, ends=ends)
        other, before_other = self.backward(node.orelse, needed, ends=ends)
        if not body and not other:
            return [], needed
        kept = ast.copy_location(ast.If(test=node.test, body=_block(body, node), orelse=other), node)
        return [kept], before_body | before_other | self._reads(node.test)

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While, needed: set[str]) -> tuple[list[ast.stmt], set[str]]:
        """A loop's body may need what an earlier iteration bound, so it is walked until nothing new is needed."""
        head = _all_of(names.reads(node.iter if not isinstance(node, ast.While) else node.test))
        wanted = set(needed)
        own = set[str]() if isinstance(node, ast.While) else names.bound(node.target)
        while True:
            body, before = self.backward(node.body, wanted)
            if not body and not own & needed:
                return [], needed
            body, before = self.backward(node.body, wanted, ends=True)
            if before | head <= wanted:
                break
            wanted |= before | head
        orelse, after = self.backward(node.orelse, needed)
        kept = _copy(node, body=_block(body, node), orelse=orelse)
        self.read |= {name for name in head if not name.startswith("~")}
        return [kept], wanted | after

    def _with(self, node: ast.With | ast.AsyncWith, needed: set[str], ends: bool) -> tuple[list[ast.stmt], set[str]]:
        """The head goes with its body, unless it changes nothing about the layers inside."""
        body, before = self.backward(node.body, needed, ends=ends)
        heads = {name for item in node.items for name in names.bound(item)}
        if not body and not heads & needed:
            return [], needed
        if all(_is_transparent(item) for item in node.items) and not heads & before:
            return body, before
        return [_copy(node, body=_block(body, node))], before | self._reads(*node.items)

    def _try(self, node: ast.Try | ast.TryStar, needed: set[str], ends: bool) -> tuple[list[ast.stmt], set[str]]:
        parts = [self.backward(block, needed, ends=ends) for block in (node.body, node.orelse, node.finalbody)]
        handled = [self.backward(handler.body, needed, ends=ends) for handler in node.handlers]
        if not any(kept for kept, _ in [*parts, *handled]):
            return [], needed
        handlers = [
            _copy(handler, body=_block(kept, handler))
            for handler, (kept, _) in zip(node.handlers, handled, strict=True)
        ]
        caught = self._reads(*(handler.type for handler in node.handlers if handler.type))
        body, orelse, final = (kept for kept, _ in parts)
        node = _copy(node, body=_block(body, node), handlers=handlers, orelse=orelse, finalbody=final)
        return [node], needed | caught | {name for _, before in [*parts, *handled] for name in before}


def slice_function(function: names.Function, facts: Facts, wanted: Collection[str] = ()) -> names.Function:
    """A function reduced to what it returns and changes, without other work.

    Its parameters may be changed for the caller, and so may names of the module: those that it declares global, and
    parts of those that are `wanted`.
    """
    inner = Facts(function.body, facts.table, facts.local)
    inner.functions = facts.functions | inner.functions
    inner.classes = facts.classes | inner.classes
    shared = {
        name for part in ast.walk(function) if isinstance(part, (ast.Global, ast.Nonlocal)) for name in part.names
    }
    own = {name for part in function.body for name in names.bound(part)} - shared
    written = {names.root(target) for part in statements(function.body) for target in written_in(part)}
    shared |= written & set(wanted) - own
    body = _rounds(function.body, names.parameters(function) | shared, inner, in_function=True)
    declared = [part for part in function.body if isinstance(part, (ast.Global, ast.Nonlocal))]
    return _copy(function, body=[*declared, *body] or _block([], function))


def slice_class(node: ast.ClassDef, facts: Facts) -> ast.ClassDef:
    """A class without the methods that the program never mentions, and without those that are work.

    The methods of a layer or model stay as they are; those of other classes are sliced like functions.
    """
    methods = {part.name: part for part in node.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))}
    wanted = {name for name, method in methods.items() if name in facts.spoken or _is_called_unseen(name, method)}
    todo = [part for part in node.body if getattr(part, "name", "") not in methods]
    todo += [methods[name] for name in wanted]
    while todo:
        new = _attributes(todo.pop()) & set(methods) - wanted
        wanted |= new
        todo += [methods[name] for name in new]
    body = [
        part for part in node.body if getattr(part, "name", "") not in methods or getattr(part, "name", "") in wanted
    ]
    if not facts.is_model(node):
        body = [slice_function(p, facts) if isinstance(p, ast.FunctionDef) else p for p in body]
    return _copy(node, body=_block(body, node))


_HOOKS = {"forward", "call", "build", "compute_output_shape"}


def _is_called_unseen(name: str, method: names.Function) -> bool:
    """Whether Python or a framework calls a method implicitly."""
    return name in _HOOKS or bool(method.decorator_list) or (name.startswith("__") and name.endswith("__"))


def _attributes(node: ast.AST) -> set[str]:
    return {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}


def _binds_whole(node: ast.stmt) -> bool:
    """Whether a statement gives its names their whole value, so that their previous values are not needed."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return True
    if isinstance(node, ast.AnnAssign):
        return node.value is not None and isinstance(node.target, ast.Name)
    return isinstance(node, ast.Assign) and all(_is_plain(target) for target in node.targets)


def _is_plain(target: ast.expr) -> bool:
    parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
    return all(isinstance(part, ast.Name) or (part is not target and _is_plain(part)) for part in parts)


def _looks_up(node: ast.AST) -> bool:
    """Whether a name is computed at run time, so that it may be any."""
    words = {"globals", "locals", "vars", "eval"}
    return any(isinstance(part, ast.Call) and names.dotted(part.func) in words for part in ast.walk(node))


def _is_setting(node: ast.stmt) -> bool:
    """A call that later layers depend on; there is no GPU to make the default."""
    if isinstance(node, ast.Expr) and "cuda" in ast.unparse(node):
        return False
    return any(names.called(call) in SETTINGS for call in names.calls(node)) and isinstance(node, ast.Expr)


def _may_matter(node: ast.stmt) -> bool:
    """A call inside a builder that is not known to be work: it runs, as the builder was written."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    name = names.called(node.value)
    return name not in HARMLESS | WORK | {"print"} and not NEVER_CALLED.match(name)


def _keeps_other_things(node: ast.stmt) -> bool:
    """Whether a method only puts data or an optimizer into an attribute. A model that needs them finds none, and
    fails."""
    if not isinstance(node, ast.Assign) or not all(isinstance(target, ast.Attribute) for target in node.targets):
        return False
    called = {names.called(call) for call in names.calls(node)} - {"load_data"}
    return any(name in READS_DATA or OPTIMIZERS.match(name) for name in called)


def _is_transparent(item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and names.called(call) in TRANSPARENT


def _block(body: list[ast.stmt], where: ast.AST) -> list[ast.stmt]:
    return body or [ast.copy_location(ast.Pass(), where)]


def _copy(node: _T, **fields: object) -> _T:
    """The same node with other fields; trees are shared between slices and never modified."""
    content = {name: getattr(node, name) for name in node._fields if hasattr(node, name)}
    return ast.copy_location(type(node)(**{**content, **fields}), node)
