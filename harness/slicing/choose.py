"""Which of a program's models to grade, and what to slice for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.records.errors import SubmissionError
from harness.slicing import handed, names
from harness.slicing.arguments import Filled, fill
from harness.slicing.candidates import Chain, begins_work, find_chains
from harness.slicing.effects import Facts, statements
from harness.slicing.flatten import makes_model_inside, unfold
from harness.slicing.kinds import Kinds
from harness.slicing.slicer import slice_program
from harness.slicing.words import NEVER_CALLED

CONVENTION = "build_model"
NAME_IT = 'name it in submission.toml (entry = "model.py:LeNet5()"), or define build_model() that returns it'
EXPECTED = "build_model(), a module-level model, or one model class that needs no arguments"
_LISTED = 8


class NotFound(SubmissionError):
    """The model could not be found by reading alone; running the file may find it."""


@dataclass(frozen=True)
class Choice:
    """An expression that gives the model once `body` has run, and notes on it."""

    expression: str
    body: tuple[ast.stmt, ...]
    notes: tuple[str, ...] = ()


class Chooser:
    """The candidates of one program, in order of preference."""

    def __init__(self, tree: ast.Module, flat: Sequence[ast.stmt], kinds: Kinds, shape: str) -> None:
        self._tree, self._flat, self._kinds, self._shape = tree, tuple(flat), kinds, shape
        self._facts: Facts = kinds.facts

    def choose(self) -> Choice:
        """The one model: by convention, a module-level variable, a class, a function. Raises SubmissionError."""
        chains = find_chains(self._flat, self._kinds)
        solid = _solid(chains)
        if CONVENTION in self._facts.functions and not any(CONVENTION in chain.source for chain in solid):
            return self._builder(CONVENTION)
        solid = [chain for chain in solid if not self._kinds.is_criterion(_made_from(chain))] or solid
        if solid := solid or [chain for chain in chains if chain.held]:
            return self._best(solid)
        builders, holders = self._builders(), self._kinds.holders
        if (classes := self._root_classes()) and not self._leaves_to(classes, [*builders, *holders]):
            return self._class(classes)
        if builders:
            builder = _only(builders, "functions that build a model")
            return _noted(self._builder(builder), _for_its_name(builder, builders))
        if holders:
            return self._holder(_only(list(holders), "classes that hold a model"))
        if makers := self._makers():
            return self._maker(_only(makers, "functions that create a model"))
        if weak := [chain for chain in chains if chain.weak]:
            return self._best(weak)
        raise self._nothing(chains)

    def _best(self, chains: list[Chain]) -> Choice:
        best, rivals = _best(chains)
        return _noted(self._chain(best), _for_its_name(best.variable, [rival.variable for rival in rivals]))

    def _chain(self, chain: Chain) -> Choice:
        """The model that a variable holds when the work on it begins."""
        if chain.changed_between:
            found = f"{chain.variable} is changed after it was trained, and then trained again (line {chain.line})"
            raise SubmissionError("model", "one model, defined before it is trained", found, NAME_IT)
        if self._is_made_in_rounds(chain):
            return self._made_once(chain)
        last = None if chain.end is None else chain.end + 1
        if by := handed.changed_by_work(chain.variable, self._flat[chain.start : last], self._facts):
            found = f"{chain.variable} gets other layers inside {by[0]}(), which is never called (line {by[1]})"
            raise SubmissionError("model", "one model, defined before it is trained", found, NAME_IT)
        end = len(self._flat) if chain.end is None else max(chain.end, chain.start + 1)
        changed = [self._flat[index].lineno for index in chain.changes if index >= end]
        note = f"changes of the model after its training are left out: line {_lines(changed)}" if changed else ""
        name = f"{chain.variable}.{chain.held}" if chain.held else chain.variable
        return Choice(name, self._flat[:end], (note,) if note else ())

    def _is_made_in_rounds(self, chain: Chain) -> bool:
        """Whether each iteration of a loop creates the model again and works on it."""
        loops = [n for n in statements([self._flat[chain.start]]) if isinstance(n, (ast.For, ast.While))]
        around = [loop for loop in loops if any(part is chain.value for part in ast.walk(loop))]
        return bool(around) and chain.start in chain.works

    def _made_once(self, chain: Chain) -> Choice:
        """What a loop creates in each iteration, if that is always the same."""
        varies = names.bound(self._flat[chain.start]) & self._kinds.behind(chain.value)
        if straight := self._in_one_round(chain):
            return straight
        if varies or not self._kinds.is_own(chain.value) or chain.start in chain.changes:
            found = f"{chain.variable} is created again in each iteration of a loop (line {chain.line})"
            raise SubmissionError("model", "one model", found, NAME_IT)
        return Choice(ast.unparse(chain.value), self._flat[: chain.start])

    def _in_one_round(self, chain: Chain) -> Choice | None:
        """The statements of a loop that create its model, if none reads what another iteration or the head has bound,
        and all come before the work."""
        loop = self._flat[chain.start]
        if not isinstance(loop, ast.For):
            return None
        kept = slice_program(loop.body, {chain.variable}, self._facts)
        fits = [node.lineno for node in statements(loop.body) if begins_work(node, chain.variable)]
        unbound = names.bound(loop)
        for node in kept:
            if names.reads(node) & unbound or node.lineno > min(fits, default=0):
                return None
            unbound -= names.bound(node)
        return Choice(chain.variable, (*self._flat[: chain.start], *kept)) if kept else None

    def _root_classes(self) -> list[str]:
        """Model classes that are not part of another one."""
        classes = self._kinds.model_classes()
        used = {
            name
            for owner, node in classes.items()
            for part in ast.walk(node)
            if isinstance(part, ast.Name) and (name := part.id) in classes and name != owner
        }
        return [name for name in classes if name not in used] or list(classes)

    def _leaves_to(self, classes: list[str], others: list[str]) -> bool:
        """Whether functions or objects determine the model better than its class: it cannot be created without them, or
        they choose between several."""
        spoken = [name for name in classes if handed.is_spoken_of(name, self._tree)]
        chosen = len(spoken) > 1 and any("()." in name or name in self._kinds.holders for name in others)
        return bool(others) and (chosen or self._all_ask(classes))

    def _all_ask(self, classes: list[str]) -> bool:
        """Whether every class needs arguments with unknown values."""
        return all(self._filled(name, self._constructor(name), is_method=True).unknown for name in classes)

    def _class(self, classes: list[str]) -> Choice:
        filled = {name: self._filled(name, self._constructor(name), is_method=True) for name in classes}
        ready = [name for name in classes if not filled[name].unknown]
        if not ready:
            needy = ", ".join(f"{name}({', '.join(filled[name].unknown)})" for name in classes)
            raise NotFound("model", EXPECTED, f"only classes that need arguments: {needy}", NAME_IT)
        spoken = [name for name in classes if handed.is_spoken_of(name, self._tree)]
        if spoken and not set(spoken) & set(ready):
            needy = ", ".join(f"{name}({', '.join(filled[name].unknown)})" for name in spoken)
            raise NotFound("model", EXPECTED, f"a model created with unknown arguments: {needy}", NAME_IT)
        ready = [name for name in ready if name in spoken] or ready
        ready = [name for name in ready if not self._kinds.is_criterion(name)] or ready
        if len(ready) > 1 and any(handed.is_handed_on(name, self._tree) for name in ready):
            raise _several(ready, "model classes")
        named = _lenets(ready)
        if len(ready) > 1 and len(named) != 1:
            made = [name for name in ready if self._is_called(name)]
            named = made if len(made) == 1 else []
        name = _only(named if len(named) == 1 else ready, "model classes")
        return _noted(self._call(filled[name], self._constructor(name)), _for_its_name(name, ready))

    def _is_called(self, name: str) -> bool:
        return any(names.dotted(call.func) == name for call in _calls_below(self._tree))

    def _constructor(self, name: str) -> names.Function | None:
        node = self._facts.classes.get(name)
        while node is not None:
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                    return part
            bases = [self._facts.classes.get(names.dotted(base)) for base in node.bases]
            node = next((base for base in bases if base is not None and base is not node), None)
        return None

    def _builders(self) -> list[str]:
        """Functions, and methods of classes that are not models, which return a model."""
        found = [
            name
            for name, function in self._facts.functions.items()
            if not NEVER_CALLED.match(name) and self._kinds.returns_model(function)
        ]
        for owner, node in self._facts.classes.items():
            for part in [] if self._facts.is_model(node) else node.body:
                if isinstance(part, ast.FunctionDef) and part.name != "__call__" and self._kinds.returns_model(part):
                    found.append(f"{owner}.{part.name}" if _is_static(part) else f"{owner}().{part.name}")
        inner = {names.dotted(call.func) for f in self._facts.functions.values() for call in _calls_below(f)}
        found = [name for name in found if name not in inner] or found
        return [name for name in found if handed.is_spoken_of(_owner(name), self._tree)] or found

    def _builder(self, name: str) -> Choice:
        owner, _, method = name.rpartition(".")
        if owner.removesuffix("()") in self._kinds.holders:
            return self._holder(owner.removesuffix("()"))
        function = self._facts.functions.get(name) or self._method(owner.removesuffix("()"), method)
        filled = self._filled(name, function, is_method=bool(owner) and not _is_plain_static(function))
        if owner.endswith("()"):
            made = self._filled(owner[:-2], self._constructor(owner[:-2]), is_method=True)
            text = filled.text.replace(owner, made.text, 1)
            filled = Filled(text, (*made.filled, *filled.filled), (*made.unknown, *filled.unknown))
        if filled.unknown:
            found = f"{name} needs {', '.join(filled.unknown)}"
            raise SubmissionError("model", "a function that builds the model without arguments", found, NAME_IT)
        return self._call(filled, function)

    def _method(self, owner: str, name: str) -> names.Function | None:
        node = self._facts.classes.get(owner)
        return next((p for p in node.body if isinstance(p, ast.FunctionDef) and p.name == name), None) if node else None

    def _holder(self, name: str) -> Choice:
        held = self._kinds.holders[name]
        attribute = self._kinds.held(held, self._facts.classes[name])
        if not attribute:
            listed = ", ".join(f"self.{one}" for one in held)
            raise SubmissionError("model", "one model", f"{len(held)} models in {name}: {listed}", NAME_IT)
        filled = self._filled(name, self._constructor(name), is_method=True)
        if filled.unknown:
            found = f"{name} needs {', '.join(filled.unknown)}"
            raise SubmissionError("model", "a class that creates its model without arguments", found, NAME_IT)
        choice, method = self._call(filled, self._constructor(name)), held[attribute]
        if not self._is_made_later(method):
            return Choice(f"{choice.expression}.{attribute}", choice.body, choice.notes)
        making = ast.parse(f"holder = {choice.expression}\nholder.{method}()").body
        for part in (item for node in making for item in ast.walk(node)):
            ast.copy_location(part, self._facts.classes[name])
        return Choice(f"holder.{attribute}", (*choice.body, *making), choice.notes)

    def _is_made_later(self, method: str) -> bool:
        """Whether the file, and not the class itself, calls the method that creates the model, without arguments."""
        if method == "__init__" or NEVER_CALLED.match(method):
            return False
        calls = [c for c in _calls_below(self._tree) if isinstance(c.func, ast.Attribute) and c.func.attr == method]
        outside = [call for call in calls if names.root(call.func) != "self"]
        return len(outside) == len(calls) == 1 and not outside[0].args and not outside[0].keywords

    def _makers(self) -> list[str]:
        """The innermost functions that create a model but do not return only the model."""
        inside = {n: f for n, f in self._facts.functions.items() if makes_model_inside(f, self._kinds)}
        called = {names.dotted(call.func) for function in inside.values() for call in _calls_below(function)}
        return [name for name in inside if name not in called]

    def _maker(self, name: str) -> Choice:
        """The function's statements in place of a call, sliced like any others."""
        function = self._facts.functions[name]
        call = ast.copy_location(ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=[], keywords=[]), function)
        body = [*self._flat, *unfold(function, call, None, self._kinds)]
        chains = find_chains(body, self._kinds)
        solid = _solid(chains)
        if not solid:
            raise self._nothing(chains)
        self._flat = tuple(body)
        return self._best(solid)

    def _filled(self, name: str, function: names.Function | None, *, is_method: bool) -> Filled:
        return fill(name, function, self._tree, is_method=is_method, shape=self._shape)

    def _call(self, filled: Filled, function: names.Function | None) -> Choice:
        name = filled.text.partition("(")[0]
        self._defined_once(name.partition(".")[0])
        if function and (given := handed.given_elsewhere(name, function, self._tree, self._facts)):
            found = f"{name} is passed on, and its {given[0]} is set elsewhere (line {given[1]})"
            raise SubmissionError("model", "one model, with arguments that can be read", found, NAME_IT)
        note = f"filled in, because MNIST determines it: {', '.join(filled.filled)}" if filled.filled else ""
        return Choice(filled.text, self._flat, (note,) if note else ())

    def _defined_once(self, name: str) -> None:
        """Refuse to choose between two definitions of one name where the file does not say which it uses."""
        kinds = (ast.FunctionDef, ast.ClassDef)
        same = [node for node in statements(self._flat) if isinstance(node, kinds) and node.name == name]
        if len({ast.dump(node) for node in same}) > 1:
            found = f"{len(same)} different definitions of {name} (lines {_lines([node.lineno for node in same])})"
            raise SubmissionError("model", "one model", found, NAME_IT)

    def _nothing(self, chains: Sequence[Chain]) -> SubmissionError:
        if self._is_graph_code():
            found = "graph code of TensorFlow 1 (placeholders, sessions or tf.layers)"
            return SubmissionError("model", "a Keras model", found, "write the layers with keras.layers")
        if chains:
            found = f"{chains[0].variable} is loaded from a file (line {chains[0].line}), which contains no definition"
            return SubmissionError(
                "model", "a file that defines the model", found, "hand in the code that defines its layers"
            )
        return NotFound("model", EXPECTED, "no model at all", "define build_model() that returns the model to grade")

    def _is_graph_code(self) -> bool:
        attributes = [part for part in ast.walk(self._tree) if isinstance(part, ast.Attribute)]
        return any(part.attr in _GRAPH or _GRAPH_LAYERS.match(names.dotted(part)) for part in attributes)


_GRAPH = {"placeholder", "Session", "InteractiveSession", "global_variables_initializer", "contrib", "get_variable"}
_GRAPH_LAYERS = re.compile(r"(?:tf|tensorflow)(?:\.compat\.v1)?\.(?:layers|estimator)\.")


def _made_from(chain: Chain) -> str:
    return names.dotted(chain.value.func) if isinstance(chain.value, ast.Call) else ""


def _solid(chains: Sequence[Chain]) -> list[Chain]:
    """Complete models that the file defines on their own."""
    return [chain for chain in chains if not (chain.from_disk or chain.weak or chain.held)]


def _best(chains: list[Chain]) -> tuple[Chain, list[Chain]]:
    """The one that is trained, else the one that is used, else the one not made from another. Of several the one named
    after LeNet, with its rivals."""
    for narrower in (lambda c: c.fits, lambda c: c.works, lambda c: not c.derived):
        chains = [chain for chain in chains if narrower(chain)] or chains
        if len({chain.source for chain in chains}) == 1:
            return chains[0], []
    named = [chain for chain in chains if _lenets([f"{chain.variable} {chain.source}"])]
    if len({chain.source for chain in named}) == 1:
        return named[0], chains
    listed = ", ".join(f"{chain.variable} (line {chain.line})" for chain in chains[:_LISTED])
    raise SubmissionError("model", "one model", f"{len(chains)} module-level models: {listed}", NAME_IT)


def _for_its_name(taken: str, found: Sequence[str]) -> str:
    """The note that a name alone decided, if it did."""
    others = dict.fromkeys(name for name in found if name != taken)
    return f"{taken} is chosen for its name, not {', '.join(others)}" if others else ""


def _noted(choice: Choice, note: str) -> Choice:
    return replace(choice, notes=(*choice.notes, note)) if note else choice


def _only(found: list[str], what: str) -> str:
    if len(found) == 1:
        return found[0]
    named = _lenets(found)
    if len(named) == 1:
        return named[0]
    raise _several(found, what)


def _several(found: Sequence[str], what: str) -> SubmissionError:
    listed = ", ".join(sorted(found)[:_LISTED])
    return SubmissionError("model", "one model", f"{len(found)} {what}: {listed}", NAME_IT)


def _owner(name: str) -> str:
    """The class or function that a builder's name begins with."""
    return name.partition(".")[0].removesuffix("()")


def _lenets(found: list[str]) -> list[str]:
    return [name for name in found if "lenet" in name.lower()]


def _calls_below(node: ast.AST) -> list[ast.Call]:
    return [part for part in ast.walk(node) if isinstance(part, ast.Call)]


def _is_static(function: names.Function) -> bool:
    words = {names.dotted(item) for item in function.decorator_list}
    return bool(words & {"staticmethod", "classmethod"}) or "self" not in names.parameters(function)


def _is_plain_static(function: names.Function | None) -> bool:
    return function is not None and _is_static(function) and "cls" not in names.parameters(function)


def _lines(lines: Sequence[int]) -> str:
    return ", ".join(str(line) for line in dict.fromkeys(lines))
