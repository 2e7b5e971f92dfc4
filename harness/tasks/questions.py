"""A study file: a base model of the LeNet-5 family, and questions that each change one of its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from harness.records.framework import BY_SHORT, Framework
from harness.records.inputs import DATASETS
from harness.tasks.assignment import Assignment, Budget, SafetyLimits, read_budget, read_limits
from harness.tasks.family import ACTIVATIONS, PADDINGS, POOLS, Member, label
from harness.tasks.toml_file import Problems, read_toml, unknown, values_of

_FRAMEWORK = "torch"
"""The framework of a study that does not name one."""
_SECTIONS = ("study", "base", "budget", "limits", "question")
_CHOICES = {"pool": POOLS, "activation": ACTIVATIONS, "padding": PADDINGS}
_FOR_EACH_CONVOLUTION = ("kernel", "filters", "padding", "pooling")
_MOST = {"kernel": 28, "pooling": 28, "filters": 1024, "hidden": 4096}
_MOST_LAYERS = 8


@dataclass(frozen=True)
class Question:
    """The question, the setting that it changes, and the model for each value of it."""

    ask: str
    field: str
    members: tuple[Member, ...]

    def label(self, member: Member) -> str:
        """The value that a model has, in words."""
        return label(self.field, getattr(member, self.field))


@dataclass(frozen=True)
class Study:
    """A base model, questions about it, and the one budget for all of them."""

    title: str = "A study of LeNet-5"
    base_name: str = "LeNet-5"
    framework: Framework = BY_SHORT[_FRAMEWORK]
    base: Member = field(default_factory=Member)
    questions: tuple[Question, ...] = ()
    dataset: str = "mnist"
    budget: Budget = field(default_factory=Budget)
    limits: SafetyLimits = field(default_factory=SafetyLimits)

    @property
    def assignment(self) -> Assignment:
        """The assignment that each model is examined and trained under."""
        return Assignment(
            title=self.title, dataset=self.dataset, architecture="free", budget=self.budget, limits=self.limits
        )

    def members(self) -> dict[Member, str]:
        """Every model once, the base first, with its name: `kernel 3x3`."""
        names = {self.base: self.base_name}
        for question in self.questions:
            for member in question.members:
                names.setdefault(member, f"{question.field} {question.label(member)}")
        return names


def load_study(path: Path) -> Study:
    """Read a study file. Raises UsageError that lists all problems, each with its line."""
    return read_toml(path, "study", _study)


def _study(content: Mapping[str, Any], problems: Problems) -> Study:
    for name in content:
        if name not in _SECTIONS:
            problems.add("", name, unknown(f"section [{name}]", name, _SECTIONS))
    types = dict.fromkeys(("title", "base", "framework", "dataset"), "str")
    general = values_of(_table(content, "study", problems), "study", types, problems)
    framework = _choice("framework", general.get("framework", _FRAMEWORK), BY_SHORT, problems)
    dataset = _choice("dataset", general.get("dataset", "mnist"), DATASETS, problems)
    base = _base(_table(content, "base", problems), problems)
    budget, limits = read_budget(content, problems), read_limits(content, problems)
    study = Study(
        title=general.get("title", Study.title),
        base_name=general.get("base", Study.base_name),
        framework=BY_SHORT.get(framework, Study.framework),
        base=base,
        questions=_questions(content.get("question", []), base, problems),
        dataset=dataset,
        budget=budget,
        limits=limits,
    )
    if list(study.members().values()).count(study.base_name) > 1:
        problems.add("study", "base", f"base must not be named {study.base_name} like another model")
    return study


def _table(content: Mapping[str, Any], name: str, problems: Problems) -> dict[str, Any]:
    section = content.get(name, {})
    if isinstance(section, dict):
        return section
    problems.add("", name, f"[{name}] must be a section")
    return {}


def _choice(key: str, value: str, choices: Sequence[str] | Mapping[str, Any], problems: Problems) -> str:
    if value not in choices:
        problems.add("study", key, f"{key} must be {' or '.join(choices)}, found {value!r}")
    return value


def _base(section: Mapping[str, Any], problems: Problems) -> Member:
    """LeNet-5 with the changes made by the section."""
    values: dict[str, Any] = {}
    for key, value in section.items():
        if key not in _settings():
            problems.add("base", key, unknown(key, key, _settings()))
        elif complaint := _complaint(key, value):
            problems.add("base", key, complaint)
        else:
            values[key] = value
    convolutions = len(values.get("filters", Member.filters))
    member = replace(Member(), **{key: _normal(key, value, convolutions) for key, value in values.items()})
    if complaint := _uneven(member):
        problems.add("base", next(iter(values), ""), complaint)
        return Member()
    return member


def _settings() -> list[str]:
    return [f.name for f in fields(Member)]


def _complaint(key: str, value: object) -> str:
    """What is wrong with the value of a setting; empty when nothing is."""
    listed = value if isinstance(value, list) else [value]
    if key in ("filters", "hidden") and not isinstance(value, list):
        return f"{key} must be a list of whole numbers, found {value!r}"
    if len(listed) > _MOST_LAYERS or (not listed and key != "hidden"):
        return f"{key} must have from 1 to {_MOST_LAYERS} values, found {len(listed)}"
    if key in ("pool", "activation") and isinstance(value, list):
        return f"{key} must be {' or '.join(_CHOICES[key])}, found a list"
    if key in _CHOICES:
        wrong = [item for item in listed if item not in _CHOICES[key]]
        return f"{key} must be {' or '.join(_CHOICES[key])}, found {wrong[0]!r}" if wrong else ""
    wrong = [item for item in listed if type(item) is not int or not 1 <= item <= _MOST[key]]
    return f"{key} must be whole numbers from 1 to {_MOST[key]:,}, found {wrong[0]!r}" if wrong else ""


def _normal(key: str, value: Any, convolutions: int) -> Any:
    """A valid value as `Member` has it: one for all convolutions becomes one for each."""
    if isinstance(value, list):
        return tuple(value)
    return (value,) * convolutions if key in _FOR_EACH_CONVOLUTION else value


def _uneven(member: Member) -> str:
    """Whether the number of values of a setting differs from that of convolutions."""
    wrong = [key for key in _FOR_EACH_CONVOLUTION if len(getattr(member, key)) != len(member.filters)]
    if not wrong:
        return ""
    found = f"{len(getattr(member, wrong[0]))} for {len(member.filters)} in filters"
    return f"{wrong[0]} must have a value for each convolution, found {found}"


def _questions(listed: object, base: Member, problems: Problems) -> tuple[Question, ...]:
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        problems.add("", "question", "questions must be sections [[question]]")
        return ()
    if not listed:
        problems.add("", "question", "a study must have a section [[question]]")
    found = [_question(item, base, problems, nth) for nth, item in enumerate(listed, 1)]
    return tuple(question for question in found if question)


def _question(section: Mapping[str, Any], base: Member, problems: Problems, nth: int) -> Question | None:
    known, before = ("ask", "field", "values"), len(problems.found)
    for key in section:
        if key not in known:
            problems.add("question", key, unknown(key, key, known), nth)
    for key in known:
        if key not in section:
            problems.add("question", "", f"{key} is missing", nth)
    if not isinstance(section.get("ask", ""), str):
        problems.add("question", "ask", f"ask must be text, found {section['ask']!r}", nth)
    name, values = section.get("field"), section.get("values")
    if "field" in section and name not in _settings():
        problems.add("question", "field", unknown(f"field {name}", str(name), _settings()), nth)
    if "values" in section and (not isinstance(values, list) or not values):
        problems.add("question", "values", "values must be a non-empty list", nth)
    if len(problems.found) > before or not isinstance(name, str) or not isinstance(values, list):
        return None
    return _asked(section["ask"], name, values, base, problems, nth)


def _asked(ask: str, name: str, values: list[Any], base: Member, problems: Problems, nth: int) -> Question | None:
    members: dict[Member, None] = {}
    for value in values:
        complaint = _complaint(name, value)
        if not complaint:
            member = replace(base, **{name: _normal(name, value, len(base.filters))})
            complaint = _uneven(member)
            members[member] = None
        if complaint:
            problems.add("question", "values", complaint, nth)
            return None
    return Question(ask, name, tuple(members))
