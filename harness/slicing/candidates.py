"""Which models a program makes: module-level variables, classes and functions, found by reading alone."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.slicing import names
from harness.slicing.effects import Facts, statements
from harness.slicing.words import FROM_DISK, LOSSES, MODELS, MOVES, TRAINS, WRAPPERS

_PREPARES = re.compile(r"(?:Random[A-Z]\w*|Rescaling|Resizing|CenterCrop|Resize|ToTensor|Normalize)$")
_KERAS_MODELS = {"Sequential", "Model", "Functional"}


@dataclass
class Chain:
    """One model that a module-level variable holds: where it begins, and where the work on it begins."""

    variable: str
    start: int
    value: ast.expr
    source: str
    from_disk: bool = False
    weak: bool = False
    derived: bool = False
    works: list[int] = field(default_factory=list)
    fits: list[int] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)
    stop: int | None = None

    @property
    def line(self) -> int:
        """Where it is made."""
        return self.value.lineno

    @property
    def end(self) -> int | None:
        """The first top-level statement that trains it, or puts another model in its place; None if none does."""
        return self.fits[0] if self.fits else self.stop

    def trained(self, name: str, index: int) -> None:
        """It is trained under this name: that is the name which holds it then."""
        if not self.fits:
            self.variable = name
        self.fits.append(index)

    @property
    def changed_between(self) -> bool:
        """Whether it is changed after it was trained, and then trained again."""
        changes = set(self.changes) - set(self.fits)
        return any(min(self.fits) < change < max(self.fits) for change in changes) if self.fits else False


class Kinds:
    """What calling a name gives: decided by the imports, and by what the program itself defines."""

    def __init__(self, facts: Facts, local_models: frozenset[str] = frozenset()) -> None:
        self.facts = facts
        self.local_models = local_models
        self._asked: set[str] = set()

    def model_classes(self) -> dict[str, ast.ClassDef]:
        """Classes that are a model by their bases, in their order."""
        return {name: node for name, node in self.facts.classes.items() if self.facts.is_model(node, MODELS)}

    def makes(self, value: ast.AST | None, variables: frozenset[str] = frozenset()) -> str:
        """`model`, `disk` for one that the file does not define, `part` for a single layer, or empty."""
        if not isinstance(value, ast.Call):
            return ""
        name, full = names.called(value), names.resolved(value.func, self.facts.table)
        if name in FROM_DISK or full in ("torch.load", "torch.hub.load", "torch.jit.load"):
            return "disk"
        if isinstance(value.func, ast.Attribute) and name in MOVES:
            return self.makes(value.func.value, variables)
        if name in WRAPPERS and value.args:
            return self.makes(value.args[0], variables)
        if _only_prepares(value):
            return ""
        if self._is_model_class(name, full, value):
            return "model"
        if self._is_builder(value):
            return "model"
        is_layer = full.startswith(("torch.nn.", "nn.")) and name[:1].isupper() and not LOSSES.match(name)
        return "part" if is_layer and "functional" not in full else ""

    def _is_model_class(self, name: str, full: str, call: ast.Call) -> bool:
        if full in self.facts.classes:
            return self.facts.is_model(self.facts.classes[full], MODELS)
        if full.lstrip(".") in self.local_models or (isinstance(call.func, ast.Name) and name in self.local_models):
            return True
        if full.startswith(("torch", "nn.")):
            return name == "Sequential"
        is_framework = full.startswith(("keras", "tensorflow", "tf.")) or self._has_star()
        return name in _KERAS_MODELS and is_framework

    def is_own(self, value: ast.AST) -> bool:
        """Whether a value comes from a class or function of the file, so that equal calls give equal models."""
        while isinstance(value, ast.Call):
            if names.dotted(value.func) in {*self.facts.classes, *self.facts.functions}:
                return True
            value = value.func.value if isinstance(value.func, ast.Attribute) else (value.args or [value.func])[0]
        return False

    def behind(self, value: ast.AST) -> set[str]:
        """Every name of the module that a value depends on, through the functions and classes it calls."""
        found, todo = set[str](), names.reads(value)
        while todo:
            found |= todo
            known = [self.facts.functions.get(name) or self.facts.classes.get(name) for name in todo]
            todo = {name for node in known if node is not None for name in names.reads(node)} - found
        return found

    def _has_star(self) -> bool:
        return any(name.startswith("*") for name in self.facts.table)

    def _is_builder(self, call: ast.Call) -> bool:
        """Whether a call gives what a function of the file, or a method of one of its classes, builds."""
        function = self.facts.functions.get(names.dotted(call.func)) or self.method(call)
        return function is not None and self.returns_model(function)

    def method(self, call: ast.Call) -> names.Function | None:
        """The method behind `LeNet.build(...)` or `LeNet().build(...)`, for a class that is no model itself."""
        if not isinstance(call.func, ast.Attribute):
            return None
        owner = call.func.value.func if isinstance(call.func.value, ast.Call) else call.func.value
        node = self.facts.classes.get(names.dotted(owner))
        if node is None:
            return None
        return next((p for p in node.body if isinstance(p, ast.FunctionDef) and p.name == call.func.attr), None)

    def returns_model(self, function: names.Function) -> bool:
        """Whether some `return` of a function gives a model that it made, and nothing beside it."""
        if function.name in self._asked:
            return False
        self._asked.add(function.name)
        made = dict(self.made_in(function.body))
        returned = [part.value for part in statements(function.body) if isinstance(part, ast.Return) and part.value]
        self._asked.discard(function.name)
        return any(self.makes(value) == "model" or names.dotted(value) in made for value in returned)

    def made_in(self, body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
        """Each assignment of these blocks that makes a model: the variable, and what kind it is."""
        for node in statements(body):
            for target, value in assigned(node):
                kind = self.makes(value)
                if kind in ("model", "disk"):
                    yield target, kind


def _only_prepares(call: ast.Call) -> bool:
    """Whether a `Sequential` holds nothing but layers that turn, zoom or scale images."""
    parts = call.args[0].elts if len(call.args) == 1 and isinstance(call.args[0], ast.List) else call.args
    words = [names.called(part) if isinstance(part, ast.Call) else "" for part in parts]
    return names.called(call) == "Sequential" and bool(words) and all(_PREPARES.match(word) for word in words)


def assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """The plain variables that a statement assigns, each with its value."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=False)
                yield from ((part.id, value) for part, value in pairs if isinstance(part, ast.Name))
    elif isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
        yield node.target.id, node.value


def find_chains(body: Sequence[ast.stmt], kinds: Kinds) -> list[Chain]:
    """Every model that the top level of a program makes, in order."""
    walk = _Walk(kinds)
    for index, node in enumerate(body):
        walk.step(index, node)
    return walk.chains


class _Walk:
    """Follows the variables of a program from its first statement to its last."""

    def __init__(self, kinds: Kinds) -> None:
        self.chains: list[Chain] = []
        self._kinds = kinds
        self._current: dict[str, Chain] = {}
        self._versions: Counter[str] = Counter()

    def step(self, index: int, node: ast.stmt) -> None:
        """Note what one statement of the top level does."""
        for inner in statements([node]):
            for target, value in assigned(inner):
                self._assign(index, target, value, nested=inner is not node)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._note_effects(index, list(statements([node])))
        self._versions.update(names.bound(node))

    def _assign(self, index: int, target: str, value: ast.expr, *, nested: bool) -> None:
        """An assignment begins a chain, goes on with one, gives it another name, or ends it.

        One inside of a condition or loop may not happen. The variable then holds one or the other, as the slice will
        see, and stays one candidate.
        """
        kind, behind, known = self._kinds.makes(value), _wrapped(value, self._current), self._current.get(target)
        if nested and known is not None and not known.fits:
            known.changes.append(index)
        elif behind is not None:
            self._current[target] = behind
        elif kind:
            self._begin(index, target, value, kind)
        elif known is not None and target not in names.reads(value):
            self._end(index, target)

    def _begin(self, index: int, target: str, value: ast.expr, kind: str) -> None:
        chain = Chain(target, index, value, self._source(index, target, value), kind == "disk", kind == "part")
        chain.derived = any(name in self._current for name in names.reads(value))
        known = self._current.get(target)
        if known is not None and target in names.reads(value) and not chain.from_disk and not known.works:
            chain.derived = False
            self.chains = [other for other in self.chains if other is not known]
        self._end(index, target)
        self._current[target] = chain
        self.chains.append(chain)

    def _end(self, index: int, target: str) -> None:
        known = self._current.pop(target, None)
        if known is not None and known.variable == target:
            known.stop = index

    def _source(self, index: int, target: str, value: ast.expr) -> str:
        """Equal for calls that make equal models: the same words, with nothing bound anew that they depend on."""
        if not self._kinds.is_own(value):
            return f"{target} {index}"
        versions = [(name, self._versions[name]) for name in sorted(self._kinds.behind(value))]
        return f"{ast.dump(value)} {versions}"

    def _note_effects(self, index: int, parts: list[ast.stmt]) -> None:
        """Where a statement begins work on a model, and where it changes one."""
        fitted = {name for part in parts for name in _worked_on(part, _TRAINING)}
        if any(names.called(call) == "backward" for part in parts for call in names.calls(part)):
            fitted |= {name for part in parts for name in names.reads(part)}
        worked = fitted | {name for part in parts for name in _worked_on(part, _WORK)}
        changed = {name for part in parts for name in self._kinds.facts.changed(part)}
        for name, chain in self._current.items():
            if name in fitted:
                chain.trained(name, index)
            if name in worked:
                chain.works.append(index)
            if name in changed:
                chain.changes.append(index)


def _wrapped(value: ast.expr, current: dict[str, Chain]) -> Chain | None:
    """The chain that a value is: its variable, or that moved to a device or wrapped."""
    while isinstance(value, ast.Call):
        name = names.called(value)
        if isinstance(value.func, ast.Attribute) and name in MOVES:
            value = value.func.value
        elif name in WRAPPERS and value.args:
            value = value.args[0]
        else:
            return None
    return current.get(value.id) if isinstance(value, ast.Name) else None


_WORK = re.compile(f"(?:{'|'.join(sorted(TRAINS))})$|_*(?:main|test|run|evaluate|predict|eval|valid)(?:_.*|[A-Z].*|)$")
_TRAINING = re.compile(r"(?:fit|fit_generator|train_on_batch|minimize)$|_*(?:train|fit)(?:_.*|ing.*|[A-Z].*|)$")


def _worked_on(node: ast.stmt, words: re.Pattern[str]) -> Iterator[str]:
    """Variables on which such a function or method is called, or to which it is given."""
    for call in names.calls(node):
        name = names.called(call)
        if words.match(name):
            yield names.root(call.func)
            yield from (names.root(value) for value in [*call.args, *(k.value for k in call.keywords)])
