"""An assignment: one TOML file that fixes the title, the reference, the budget, limits and findings of one board."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from harness.records.checks import Findings
from harness.records.inputs import DATASETS
from harness.tasks import references
from harness.tasks.toml_file import Problems, has_type, in_words, read_toml, unknown

FILE_NAME = "assignment.toml"
TRAIN_IMAGES = 60_000


@dataclass(frozen=True)
class Budget:
    """The fixed training budget: examples seen are `epochs` times `train_images`.

    Of the 60,000 training images the first `train_images` are trained on and the last `validation_images`, which may be
    none, give the learning curve. Optimizer constants are stated because the frameworks' defaults differ. The learning
    rate stays the same (`constant`) or falls linearly to zero after the last step (`linear`). Pixels are divided by 255
    (`unit`) or stay from 0 to 255 (`none`). The compiled engine trains the models that it covers, and the frameworks
    the others (`auto`); or only it trains (`compiled`), or only they do (`framework`).
    """

    epochs: int = 3
    seeds: int = 3
    batch_size: int = 128
    optimizer: str = "adam"
    learning_rate: float = 3e-3
    schedule: str = "linear"
    momentum: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    train_images: int = 55_000
    validation_images: int = 5_000
    scaling: str = "unit"
    engine: str = "auto"

    @property
    def digest(self) -> str:
        """SHA-256 of every field; boards of different budgets are never mixed."""
        return _digest(self._content())

    @property
    def run_digest(self) -> str:
        """SHA-256 of what one run depends on: every field except the number of seeds."""
        return _digest({name: value for name, value in self._content().items() if name != "seeds"})

    def _content(self) -> dict[str, Any]:
        """Every field; the scaling and the engine only where they differ from what was used before they could be
        chosen."""
        return {name: value for name, value in asdict(self).items() if _BEFORE_A_CHOICE.get(name) != value}

    @property
    def divisor(self) -> int:
        """What pixels are divided by."""
        return {"unit": 255, "none": 1}[self.scaling]

    @property
    def examples(self) -> int:
        """Training images that one run sees, each as often as it is seen."""
        return self.epochs * self.train_images

    def sentence(self, dataset: str = "MNIST") -> str:
        """The budget in one sentence."""
        falling = " falling to 0" if self.schedule == "linear" else ""
        momentum = f" and momentum {self.momentum:g}" if self.optimizer == "sgd" and self.momentum else ""
        pixels = "" if self.scaling == "unit" else " not divided by 255"
        return (
            f"{_count(self.epochs, 'epoch')} of {self.train_images:,} {dataset} images{pixels}, "
            f"batch size {self.batch_size}, {self.optimizer} with learning rate {self.learning_rate:g}{falling}"
            f"{momentum}, {_count(self.seeds, 'seed')}{_TRAINED_BY[self.engine]}."
        )


_BEFORE_A_CHOICE = {"scaling": "unit", "engine": "framework"}
_TRAINED_BY = {
    "auto": "",
    "compiled": ", only by the compiled engine",
    "framework": ", each model by its own framework",
}


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


PRESETS: dict[str, Budget] = {
    "quick": Budget(epochs=1, seeds=1),
    "standard": Budget(epochs=3, seeds=3),
    "final": Budget(epochs=10, seeds=5),
}


@dataclass(frozen=True)
class SafetyLimits:
    """Limits that end a process. They never affect ranking: a run that hits one is `timed out` or `out of memory`."""

    build_seconds: float = 20.0
    train_seconds: float = 1800.0
    memory_mib: int = 2048


@dataclass(frozen=True)
class PointsRule:
    """Points for the parts of the work; a part with 0 does not count.

    Points for accuracy grow linearly from `accuracy_none` to `accuracy_full`. Against the reference, these two are
    differences from its accuracy.
    """

    imports: float = 0.0
    shapes: float = 0.0
    parameters: float = 0.0
    claims: float = 0.0
    accuracy: float = 0.0
    accuracy_none: float = 0.90
    accuracy_full: float = 0.985
    accuracy_against: str = "scale"
    bonus: float = 0.0
    cap: float | None = None

    @property
    def parts(self) -> dict[str, float]:
        """Maximum points for each part that counts, the bonus last."""
        return {name: value for name in _FOR if (value := getattr(self, name))}

    @property
    def possible(self) -> float:
        """Maximum points without the bonus, limited by the cap."""
        asked = sum(value for name, value in self.parts.items() if name != "bonus")
        return asked if self.cap is None else min(asked, self.cap)

    def sentence(self) -> str:
        """What points are given for, in one sentence."""
        told = [f"{value:g} {_FOR[name]}" for name, value in self.parts.items()]
        cut_offs = f"none at {100 * self.accuracy_none:g} %, all at {100 * self.accuracy_full:g} %"
        against = "" if self.accuracy_against == "scale" else " relative to the reference at best"
        if self.accuracy:
            told[list(self.parts).index("accuracy")] += f" ({cut_offs}{against}, linear in between)"
        cap = "" if self.cap is None else f"; at most {self.cap:g}"
        return f"Points: {', '.join(told)}{cap}."


_FOR = {
    "imports": "for a model that can be built",
    "shapes": "for layers that match the reference",
    "parameters": "for the correct number of parameters",
    "claims": "for correct claims in PARAMETERS",
    "accuracy": "for accuracy",
    "bonus": "extra for being better than the reference",
}
"""The parts that earn points, and what each is for."""


@dataclass(frozen=True)
class Assignment:
    """The requirements for a class. `own_design` lists name patterns whose models need not match the reference, `files`
    patterns of the file that defines the model, the best first. `max_hidden_numbers` is how many numbers, in words of
    32 bits, a graph may hold that are no parameters and that no row of the layer table shows."""

    title: str = "LeNet-5 on MNIST"
    dataset: str = "mnist"
    reference: str = "lenet5"
    architecture: str = "match"
    own_design: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    max_parameters: int | None = None
    max_hidden_numbers: int = 64
    budget: Budget = field(default_factory=Budget)
    limits: SafetyLimits = field(default_factory=SafetyLimits)
    findings: Findings = field(default_factory=Findings)
    points: PointsRule | None = None

    @property
    def budget_digest(self) -> str:
        """SHA-256 of the budget, and of the data set if it is not MNIST: what the figures of a board depend on."""
        budget = self.budget.digest
        return budget if self.dataset == "mnist" else _digest({"budget": budget, "dataset": self.dataset})

    def must_match(self, submission: str) -> bool:
        """Whether this submission must match the reference."""
        free = any(fnmatch.fnmatchcase(submission, pattern) for pattern in self.own_design)
        return self.architecture == "match" and not free

    def with_preset(self, preset: str | None) -> Assignment:
        """The same assignment with another preset's epochs and seeds; batch, optimizer and images stay the same."""
        if preset is None:
            return self
        chosen = PRESETS[preset]
        return replace(self, budget=replace(self.budget, epochs=chosen.epochs, seeds=chosen.seeds))


_CUT_OFFS = {"scale": (0.90, 0.985), "reference": (-0.02, 0.0)}
"""The default accuracies, or differences from the reference's, that give no points and all points."""

_CHOICES = {
    "dataset": DATASETS,
    "architecture": ("match", "free"),
    "optimizer": ("adam", "sgd"),
    "schedule": ("linear", "constant"),
    "scaling": ("unit", "none"),
    "engine": tuple(_TRAINED_BY),
    "preset": tuple(PRESETS),
    "accuracy_against": tuple(_CUT_OFFS),
    **dict.fromkeys((f.name for f in fields(Findings)), ("fail", "flag")),
}
_POSITIVE = {"epochs", "seeds", "batch_size", "train_images", "learning_rate", "epsilon"}
_POSITIVE |= {"max_parameters", "build_seconds", "train_seconds", "memory_mib"}
_POSITIVE |= {"cap"}
_NOT_NEGATIVE = {*_FOR, "validation_images", "max_hidden_numbers"}
_BELOW_ONE = {"momentum", "beta_1", "beta_2"}
_AT_MOST = {"seeds": 60, "accuracy_none": 1, "accuracy_full": 1}
_AT_LEAST = {"accuracy_none": -1, "accuracy_full": -1}


def load_assignment(path: Path) -> Assignment:
    """Read an assignment file. Raises UsageError that lists all problems, each with its line."""
    return read_toml(path, "assignment", _assignment)


def _assignment(content: Mapping[str, Any], problems: Problems) -> Assignment:
    sections = {
        "assignment": Assignment,
        "budget": Budget,
        "limits": SafetyLimits,
        "findings": Findings,
        "points": PointsRule,
    }
    for name in content:
        if name not in sections:
            problems.add("", name, unknown(f"section [{name}]", name, sections))
    general = _section(content, "assignment", Assignment, set(sections), problems)
    general |= {key: tuple(general.get(key, ())) for key in ("own_design", "files")}
    budget, limits = read_budget(content, problems), read_limits(content, problems)
    findings = _section(content, "findings", Findings, set(), problems)
    points = _points(content, problems) if "points" in content else None
    return Assignment(**general, budget=budget, limits=limits, findings=Findings(**findings), points=points)


def read_budget(content: Mapping[str, Any], problems: Problems) -> Budget:
    """The section [budget] of a file: a preset, and what overrides it."""
    budget = _section(content, "budget", Budget, set(), problems, extra=("preset",))
    chosen = replace(PRESETS.get(budget.pop("preset", "standard"), Budget()), **budget)
    if chosen.train_images + chosen.validation_images > TRAIN_IMAGES:
        key = next((key for key in ("train_images", "validation_images") if key in budget), "preset")
        images = f"{chosen.train_images:,} training and {chosen.validation_images:,} validation images"
        problems.add("budget", key, f"{images} exceed the {TRAIN_IMAGES:,} available")
    return chosen


def read_limits(content: Mapping[str, Any], problems: Problems) -> SafetyLimits:
    """The section [limits] of a file."""
    return SafetyLimits(**_section(content, "limits", SafetyLimits, set(), problems))


def _points(content: Mapping[str, Any], problems: Problems) -> PointsRule:
    values = _section(content, "points", PointsRule, set(), problems)
    none, full = _CUT_OFFS[values.get("accuracy_against", "scale")]
    rule = PointsRule(**{"accuracy_none": none, "accuracy_full": full, **values})
    if not rule.parts and not problems.found:
        problems.add("", "points", f"[points] must give points for at least one of {', '.join(_FOR)}")
    if rule.accuracy_none >= rule.accuracy_full:
        key = next((key for key in ("accuracy_none", "accuracy_full") if key in values), "accuracy_against")
        found = f"found {rule.accuracy_none:g} and {rule.accuracy_full:g}"
        problems.add("points", key, f"accuracy_none must be less than accuracy_full, {found}")
    if rule.accuracy_against == "scale" and rule.accuracy_none < 0:
        problems.add("points", "accuracy_none", f"accuracy_none must be at least 0, found {rule.accuracy_none:g}")
    return rule


def _section(
    content: Mapping[str, Any],
    name: str,
    record: type[Assignment | Budget | SafetyLimits | Findings | PointsRule],
    hidden: set[str],
    problems: Problems,
    extra: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The valid values of one section; everything else becomes a problem."""
    section = content.get(name, {})
    if not isinstance(section, dict):
        problems.add("", name, f"[{name}] must be a section")
        return {}
    types = {f.name: str(f.type) for f in fields(record) if f.name not in hidden} | dict.fromkeys(extra, "str")
    values: dict[str, Any] = {}
    for key, value in section.items():
        message = _complaint(key, value, types)
        if message:
            problems.add(name, key, message)
        else:
            values[key] = float(value) if types[key].startswith("float") else value
    return values


def _complaint(key: str, value: object, types: Mapping[str, str]) -> str:
    """What is wrong with one key and value; empty when nothing is."""
    if key not in types:
        return unknown(key, key, types)
    if not has_type(value, types[key]):
        return f"{key} must be {in_words(types[key])}, found {value!r}"
    if key == "files" and (other := [name for name in value if not name.endswith((".py", ".ipynb"))]):  # type: ignore[attr-defined]
        return f"files must name .py or .ipynb files, found {other[0]!r}"
    choices = references.names() if key == "reference" else _CHOICES.get(key)
    if choices is not None and value not in choices:
        return f"{key} must be {' or '.join(choices)}, found {value!r}"
    if isinstance(value, (int, float)) and key in _POSITIVE and not value > 0:
        return f"{key} must be more than 0, found {value!r}"
    if isinstance(value, (int, float)) and key in _NOT_NEGATIVE and not value >= 0:
        return f"{key} must be at least 0, found {value!r}"
    if isinstance(value, (int, float)) and key in _AT_LEAST and not value >= _AT_LEAST[key]:
        return f"{key} must be at least {_AT_LEAST[key]}, found {value!r}"
    if isinstance(value, (int, float)) and key in _BELOW_ONE and not 0 <= value < 1:
        return f"{key} must be at least 0 and less than 1, found {value!r}"
    most = _AT_MOST.get(key, 10**9)
    if isinstance(value, (int, float)) and not value <= most:
        return f"{key} must be at most {most:,}, found {value!r}"
    return ""
