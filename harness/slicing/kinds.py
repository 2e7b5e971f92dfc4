"""What the names of a program mean: whether a call gives a model, a layer, or an object that holds a model."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from harness.slicing import names
from harness.slicing.effects import Facts, statements
from harness.slicing.words import FROM_DISK, LOSSES, MODELS, MOVES, WRAPPERS

_PREPARES = re.compile(r"(?:Random[A-Z]\w*|Rescaling|Resizing|CenterCrop|Resize|ToTensor|Normalize)$")
_TRAINED = {"fit", "fit_generator", "train_on_batch", "parameters"}
_KERAS_MODELS = {"Sequential", "Model", "Functional"}


class Kinds:
    """What calling a name gives: decided by the imports, and by what the program itself defines."""

    def __init__(self, facts: Facts, local_models: frozenset[str] = frozenset()) -> None:
        self.facts = facts
        self.local_models = local_models
        self._asked: set[str] = set()
        self._makers: set[str] | None = None
        self._looks = False

    def model_classes(self) -> dict[str, ast.ClassDef]:
        """Classes that are a model by their bases, in their order."""
        return {name: node for name, node in self.facts.classes.items() if self.facts.is_model(node, MODELS)}

    def makes(self, value: ast.AST | None, variables: frozenset[str] = frozenset()) -> str:
        """`model`, `disk` for one that the file does not define, `part` for a single layer, or empty."""
        if isinstance(value, ast.Subscript) and self._is_stored(value):
            return "model"
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
        if self._is_builder(value) or self._is_maker(value.func):
            return "model"
        is_layer = full.startswith(("torch.nn.", "nn.")) and name[:1].isupper() and not LOSSES.match(name)
        return "part" if is_layer and "functional" not in full else ""

    @cached_property
    def makers(self) -> set[str]:
        """Variables that stand for a model class or for a function that builds a model, or hold some of these:
        `Small = partial(Net, 30)`, `NETS = {"lenet": LeNet5}`."""
        self._makers = found = set[str]()
        for node in statements(self.facts.body):
            for target, value in assigned(node):
                if any(self._is_maker(part) for part in _choices(value)):
                    found.add(target)
        return found

    @cached_property
    def stores(self) -> set[str]:
        """Variables that hold models in a list or a dictionary."""
        pairs = [pair for node in statements(self.facts.body) for pair in assigned(node)]
        tables = [pair for pair in pairs if isinstance(pair[1], (ast.List, ast.Tuple, ast.Dict))]
        return {name for name, table in tables if any(self.makes(part) == "model" for part in _choices(table))}

    def _is_stored(self, value: ast.Subscript) -> bool:
        """Whether this is one of the models in a list or dictionary that is not a table of tables."""
        if self._looks:
            return False
        self._looks = True
        found = names.dotted(value.value) in self.stores
        self._looks = False
        return found

    def _is_maker(self, value: ast.AST) -> bool:
        """Whether calling a value gives a model: a name, one of a table, `partial`, a lambda, `globals()[name]`."""
        if isinstance(value, ast.Lambda):
            return self.makes(value.body) == "model"
        if isinstance(value, ast.Subscript):
            looks_up = isinstance(value.value, ast.Call) and names.called(value.value) in ("globals", "locals", "vars")
            return bool(self.model_classes()) if looks_up else self._is_maker(value.value)
        if isinstance(value, ast.Call):
            return self._gives_maker(value)
        name = names.dotted(value)
        if name in self.facts.functions:
            return self.returns_model(self.facts.functions[name])
        return name in (self.makers if self._makers is None else self._makers) or name in self.model_classes()

    def _gives_maker(self, call: ast.Call) -> bool:
        name = names.called(call)
        if name == "partial" and call.args:
            return self._is_maker(call.args[0])
        if name == "get" and isinstance(call.func, ast.Attribute):
            return self._is_maker(call.func.value)
        looks_up = name == "eval" or (name == "getattr" and call.args and "sys.modules" in ast.unparse(call.args[0]))
        return bool(looks_up) and bool(self.model_classes())

    def _is_model_class(self, name: str, full: str, call: ast.Call) -> bool:
        if full in self.facts.classes:
            return self.facts.is_model(self.facts.classes[full], MODELS)
        if full.lstrip(".") in self.local_models or (isinstance(call.func, ast.Name) and name in self.local_models):
            return True
        if full.startswith(("torch", "nn.")):
            return name == "Sequential"
        is_framework = full.startswith(("keras", "tensorflow", "tf.")) or self._has_star()
        return name in _KERAS_MODELS and is_framework

    def is_criterion(self, name: str) -> bool:
        """Whether a class compares two things, as a loss does: its forward pass needs more than images."""
        node = self.facts.classes.get(name)
        found = [part for part in node.body if getattr(part, "name", "") == "forward"] if node else []
        return any(len(p.args.args) - len(p.args.defaults) > 2 for p in found if isinstance(p, ast.FunctionDef))

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
        if function is None:
            return False
        is_own = isinstance(call.func, ast.Attribute) and names.dotted(call.func.value) in self.model_classes()
        if is_own and function.decorator_list:
            return True
        return self.returns_model(function) or self._gives_back(function, call)

    def _gives_back(self, function: names.Function, call: ast.Call) -> bool:
        """Whether a function of the file returns what it is given, and is given a model created in the call."""
        ends = (part for part in statements(function.body) if isinstance(part, ast.Return))
        returned = {names.dotted(part.value) for part in ends if part.value}
        return bool(returned & names.parameters(function)) and any(self.makes(part) == "model" for part in call.args)

    def method(self, call: ast.Call) -> names.Function | None:
        """The method behind `LeNet.build(...)`, `LeNet().build(...)` or `net.build(...)`, and behind `LeNet()(...)`."""
        is_method = isinstance(call.func, ast.Attribute)
        called, value = (call.func.attr, call.func.value) if is_method else ("__call__", call.func)  # type: ignore[attr-defined]
        name = names.dotted(value.func if isinstance(value, ast.Call) else value)
        if not is_method and not isinstance(value, ast.Call) and name not in self.instances:
            return None
        node = self.facts.classes.get(self.instances.get(name, name))
        if node is None:
            return None
        return next((p for p in node.body if isinstance(p, ast.FunctionDef) and p.name == called), None)

    @cached_property
    def instances(self) -> dict[str, str]:
        """Variables that hold an object of a class of the file, each with that class."""
        pairs = [pair for node in statements(self.facts.body) for pair in assigned(node)]
        made = {name: names.dotted(value.func) for name, value in pairs if isinstance(value, ast.Call)}
        return {name: owner for name, owner in made.items() if owner in self.facts.classes}

    def returns_model(self, function: names.Function) -> bool:
        """Whether some `return` of a function returns only a model that it created."""
        if function.name in self._asked:
            return False
        self._asked.add(function.name)
        made = dict(self.made_in(function.body))
        returned = [part.value for part in statements(function.body) if isinstance(part, ast.Return) and part.value]
        self._asked.discard(function.name)
        return any(self.makes(value) == "model" or names.dotted(value) in made for value in returned)

    @cached_property
    def holders(self) -> dict[str, dict[str, str]]:
        """Classes that are not models but store one in attributes: these, each with the method that creates it."""
        found: dict[str, dict[str, str]] = {}
        for owner, node in self.facts.classes.items():
            for method in [] if self.facts.is_model(node) else node.body:
                if isinstance(method, ast.FunctionDef):
                    for attribute in self._held_in(method, node):
                        found.setdefault(owner, {}).setdefault(attribute, method.name)
        return found

    def _held_in(self, method: ast.FunctionDef, owner: ast.ClassDef) -> Iterator[str]:
        """The attributes of `self` to which a method assigns a model."""
        made = dict(self.made_in(method.body))
        for part in [node for node in ast.walk(method) if isinstance(node, ast.Assign)]:
            for target in part.targets:
                front, _, attribute = names.dotted(target).partition(".")
                if front == "self" and attribute.isidentifier() and self._is_held(part.value, owner, made):
                    yield attribute

    def _is_held(self, value: ast.expr, owner: ast.ClassDef, made: dict[str, str]) -> bool:
        if isinstance(value, ast.Call) and names.dotted(value.func).startswith("self."):
            own = names.dotted(value.func).removeprefix("self.")
            methods = [part for part in owner.body if isinstance(part, ast.FunctionDef) and part.name == own]
            return any(self.returns_model(part) for part in methods)
        return self.makes(value) == "model" or made.get(names.dotted(value)) == "model"

    def holds(self, value: ast.AST) -> str:
        """The attribute in which a call's result stores its only model; empty for anything else."""
        held = self.holders.get(names.dotted(value.func), {}) if isinstance(value, ast.Call) else {}
        return self.held(held, self.facts.classes[names.dotted(value.func)]) if held else ""  # type: ignore[attr-defined]

    def held(self, held: dict[str, str], owner: ast.ClassDef) -> str:
        """Of several attributes that hold a model, the one that is trained; empty where that is not one."""
        used = {
            name
            for call in ast.walk(owner)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _TRAINED
            for name in held
            if names.dotted(call.func.value) == f"self.{name}"
        }
        few = used if len(held) > 1 else set(held)
        return few.pop() if len(few) == 1 else ""

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


def _choices(value: ast.expr) -> list[ast.expr]:
    """The expressions that a value is one of, or holds."""
    if isinstance(value, ast.IfExp):
        return [value.body, value.orelse]
    if isinstance(value, ast.Dict):
        return value.values
    if isinstance(value, (ast.List, ast.Tuple)):
        return value.elts
    if isinstance(value, ast.Call) and names.dotted(value.func) == "dict":
        return [keyword.value for keyword in value.keywords]
    return [value]
