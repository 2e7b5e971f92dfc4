"""Find the one model that a submission defines."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from harness.records.errors import SubmissionError
from harness.records.framework import Framework

_MODULES = tuple(module for framework in Framework for module in framework.facts.modules)
_CHOOSE = "define build_model() that returns the model to grade"


@dataclass(frozen=True)
class FoundModel:
    """How to create the model, and a label for what was chosen."""

    make: Callable[[], Any]
    label: str


def find_model(module: ModuleType, model_class: type, expression: str = "") -> FoundModel:
    """The model that `expression` names, if reading the file was enough to find it. Else `build_model()`, else the one
    module-level model, else the one model class that needs no arguments.

    Raises SubmissionError, listing the candidates, if there is none or more than one.
    """
    if expression:
        code = compile(expression, expression, "eval", dont_inherit=True)
        return FoundModel(lambda: eval(code, vars(module)), expression)
    build_model = getattr(module, "build_model", None)
    if callable(build_model):
        return FoundModel(build_model, "build_model()")
    models = _module_level_models(module, model_class)
    if models:
        name = _only(models, "module-level models")
        return FoundModel(lambda: models[name], name)
    classes = _model_classes(module, model_class)
    simple = {name: cls for name, cls in classes.items() if not _required_arguments(cls)}
    if simple:
        name = _only(simple, "model classes")
        return FoundModel(simple[name], f"{name}()")
    raise _nothing_found(classes)


def _module_level_models(module: ModuleType, model_class: type) -> dict[str, Any]:
    by_identity = {id(value): name for name, value in _public(module) if isinstance(value, model_class)}
    return {name: getattr(module, name) for name in by_identity.values()}


def _model_classes(module: ModuleType, model_class: type) -> dict[str, type]:
    classes = {
        name: value
        for name, value in _public(module)
        if inspect.isclass(value) and issubclass(value, model_class) and value is not model_class
    }
    defined_here = {name: cls for name, cls in classes.items() if cls.__module__ == module.__name__}
    local = {name: cls for name, cls in classes.items() if not cls.__module__.startswith(_MODULES)}
    return defined_here or local


def _public(module: ModuleType) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in vars(module).items() if not name.startswith("__")]


def _required_arguments(cls: type) -> list[str]:
    try:
        parameters = inspect.signature(cls).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in kinds]


def _only(candidates: dict[str, Any], what: str) -> str:
    if len(candidates) == 1:
        return next(iter(candidates))
    found = f"{len(candidates)} {what}: {', '.join(sorted(candidates))}"
    raise SubmissionError("model", "one model", found, _CHOOSE)


def _nothing_found(classes: dict[str, type]) -> SubmissionError:
    needy = [f"{name}({', '.join(_required_arguments(cls))})" for name, cls in sorted(classes.items())]
    found = f"only classes that need arguments: {', '.join(needy)}" if needy else "no model at all"
    expected = "build_model(), a module-level model, or one model class that needs no arguments"
    return SubmissionError("model", expected, found, _CHOOSE)
