"""Which models a program creates: module-level variables, classes and functions, found without running it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.slicing import names
from harness.slicing.effects import statements
from harness.slicing.kinds import Kinds, assigned
from harness.slicing.words import MOVES, OPTIMIZERS, TRAINS, WRAPPERS


@dataclass
class Chain:
    """One model that a module-level variable holds: where it begins, and where the work on it begins."""

    variable: str
    start: int
    value: ast.expr
    source: str
    from_disk: bool = False
    weak: bool = False
    held: str = ""
    """The attribute that is the model, where the variable only holds one."""
    derived: bool = False
    optimized: bool = False
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
        """The first top-level statement that trains it, or replaces it with another model; None if none does."""
        return self.fits[0] if self.fits else self.stop

    def trained(self, name: str, index: int) -> None:
        """It is trained under this name, which then holds it."""
        if not self.fits:
            self.variable = name
        self.fits.append(index)

    @property
    def changed_between(self) -> bool:
        """Whether it is changed after it was trained, and then trained again."""
        return any(min(self.fits) < change <= max(self.fits) for change in self.changes) if self.fits else False


def find_chains(body: Sequence[ast.stmt], kinds: Kinds) -> list[Chain]:
    """Every model that the top level of a program creates, in order."""
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
        """Process one top-level statement."""
        for inner in statements([node]):
            for target, value in assigned(inner):
                self._assign(index, target, value, nested=inner is not node)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._note_effects(index, list(statements([node])))
        self._versions.update(names.bound(node))

    def _assign(self, index: int, target: str, value: ast.expr, *, nested: bool) -> None:
        """An assignment begins a chain, continues one, gives it another name, or ends it.

        One inside a condition or loop may not happen. The variable then holds one or the other, as the slice will see,
        and stays one candidate.
        """
        kind, behind, known = self._kinds.makes(value), _wrapped(value, self._current), self._current.get(target)
        kind = kind or ("held" if self._kinds.holds(value) else "")
        if nested and known is not None and not known.fits and not (known.from_disk and known.start == index):
            known.changes.append(index)
        elif behind is not None:
            self._current[target] = behind
        elif kind:
            self._begin(index, target, value, kind)
        elif known is not None and target not in names.reads(value):
            self._end(index, target)

    def _begin(self, index: int, target: str, value: ast.expr, kind: str) -> None:
        chain = Chain(target, index, value, self._source(index, target, value), kind == "disk", kind == "part")
        chain.held = self._kinds.holds(value) if kind == "held" else ""
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
        """Equal for calls that create equal models: the same text, with none of its names rebound."""
        if not self._kinds.is_own(value):
            return f"{target} {index}"
        versions = [(name, self._versions[name]) for name in sorted(self._kinds.behind(value))]
        return f"{ast.dump(value)} {versions}"

    def _note_effects(self, index: int, parts: list[ast.stmt]) -> None:
        """Where a statement begins work on a model, and where it changes one."""
        fitted = {name for part in parts for name in _worked_on(part, _TRAINING)}
        for name in {name for part in parts for name in _optimized(part)} & set(self._current):
            self._current[name].optimized = True
        if any(names.called(call) == "backward" for part in parts for call in names.calls(part)):
            fitted |= self._stepped({name for part in parts for name in names.reads(part)})
        worked = fitted | {name for part in parts for name in _worked_on(part, _WORK)}
        changed = {name for part in parts for name in self._kinds.facts.changed(part)}
        for name, chain in self._current.items():
            if name in fitted:
                chain.trained(name, index)
            if name in worked:
                chain.works.append(index)
            if name in changed:
                chain.changes.append(index)

    def _stepped(self, read: set[str]) -> set[str]:
        """Of what a loop with `backward` reads, the models that an optimizer has; all if none is known to be."""
        optimized = {name for name in read if name in self._current and self._current[name].optimized}
        return optimized or read


def _optimized(node: ast.stmt) -> Iterator[str]:
    """Variables whose parameters are given to an optimizer."""
    for call in names.calls(node):
        if OPTIMIZERS.match(names.called(call)):
            parts = [part for part in ast.walk(call) if isinstance(part, ast.Call)]
            yield from (names.root(part.func) for part in parts if names.called(part) in _PARAMETERS)


_PARAMETERS = {"parameters", "named_parameters"}


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


def begins_work(node: ast.stmt, variable: str) -> bool:
    """Whether a statement trains or tests what a variable holds."""
    worked = {name for words in (_WORK, _TRAINING) for name in _worked_on(node, words)}
    return variable in worked or any(names.called(call) == "backward" for call in names.calls(node))


def _worked_on(node: ast.stmt, words: re.Pattern[str]) -> Iterator[str]:
    """Variables on which such a function or method is called, or to which it is given."""
    for call in names.calls(node):
        name = names.called(call)
        if words.match(name):
            yield names.root(call.func)
            yield from (names.root(value) for value in [*call.args, *(k.value for k in call.keywords)])
