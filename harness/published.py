"""Published models: what their authors reported, how it is measured again, and when that is the same.

A published model is a folder: `keras/` and `torch/` with the model as submissions, `assignment.toml` with the recipe
and `published.toml` with the authors' figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from scipy import special

from harness.assignment import FILE_NAME, Assignment, load_assignment
from harness.errors import UsageError
from harness.records import Framework
from harness.results import Row, Status
from harness.score import CONFIDENCE
from harness.toml_file import Problems, read_toml, unknown, values_of

FIGURES_NAME = "published.toml"
FOLDERS = {Framework.TENSORFLOW: "keras", Framework.TORCH: "torch"}
"""The folder of each framework's model."""
TEST_IMAGES = 10_000


@dataclass(frozen=True)
class Figures:
    """What the authors published: accuracy as a fraction of 10,000 test images, with so many `decimals`.

    `framework` is theirs. `differs` has, by the name of a framework's folder, the reason that was found for a figure
    that did not come out.
    """

    accuracy: float
    framework: str = "keras"
    loss: float | None = None
    decimals: int = 4
    parameters: int | None = None
    note: str = ""
    differs: Mapping[str, str] = field(default_factory=dict)

    @property
    def rounding(self) -> float:
        """Half a unit of the last decimal."""
        return 0.5 / float(10**self.decimals)


@dataclass(frozen=True)
class Published:
    """One published model: its name, its folder, its recipe and its figures."""

    name: str
    folder: Path
    recipe: Assignment
    figures: Figures


class Agreement(StrEnum):
    """What came of measuring a published figure again."""

    REPRODUCED = "reproduced"
    DIFFERS = "differs"
    FAILED = "failed"


RULE = (
    "Reproduced: the published accuracy p lies in the 95 % interval of the measured mean, widened by the published "
    "figure's own sampling error and by its rounding. It is one run on 10,000 images: its error is "
    "1.96 √(p (1 − p) / 10,000 + s²), added in quadrature, with s the standard deviation between our runs beyond what "
    "10,000 images explain."
)


@dataclass(frozen=True)
class Reproduction:
    """One published model trained again in one framework. `row` is what a board says of it, `loss` the mean over seeds
    of the loss on the test images, `run_variance` that of the accuracy between seeds beyond what images explain."""

    name: str
    published: Published
    framework: Framework
    recipe: str
    row: Row
    loss: float | None
    run_variance: float = 0.0

    @property
    def error(self) -> float:
        """How far the published run may lie from what such runs have on average, at 95 %."""
        published = self.published.figures.accuracy
        variance = published * (1 - published) / TEST_IMAGES + self.run_variance
        return float(special.ndtri(0.5 + CONFIDENCE / 2)) * math.sqrt(variance)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Published accuracies that this measurement agrees with; None where nothing was measured."""
        mean, low, high = self.row.accuracy, self.row.accuracy_low, self.row.accuracy_high
        if mean is None or low is None or high is None:
            return None
        figures = self.published.figures
        below, above = math.hypot(mean - low, self.error), math.hypot(high - mean, self.error)
        return mean - below - figures.rounding, mean + above + figures.rounding

    @property
    def agreement(self) -> Agreement:
        """By RULE; a model that could not be built or trained to the end has failed."""
        if self.bounds is None or self.row.status not in (Status.RANKED, Status.PROVISIONAL):
            return Agreement.FAILED
        low, high = self.bounds
        return Agreement.REPRODUCED if low <= self.published.figures.accuracy <= high else Agreement.DIFFERS

    @property
    def why(self) -> str:
        """Why it failed, or the reason that was found for a difference."""
        if self.agreement is Agreement.FAILED:
            return self.row.reason or "it has no accuracy"
        if self.agreement is Agreement.REPRODUCED:
            return ""
        return self.published.figures.differs.get(FOLDERS[self.framework], "not investigated yet")

    @property
    def difference(self) -> float | None:
        """Measured minus published."""
        return None if self.row.accuracy is None else self.row.accuracy - self.published.figures.accuracy


@dataclass(frozen=True)
class Reproductions:
    """All that is known of the published models. `pending` names those asked for that are not done yet."""

    rows: tuple[Reproduction, ...]
    pending: tuple[str, ...] = ()
    sandboxed: bool = True
    command: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


def read_published(root: Path) -> list[Published]:
    """Every published model below a folder, by name. Raises UsageError where there is none, or one is not whole."""
    folders = sorted(path.parent for path in root.glob(f"*/{FIGURES_NAME}"))
    if not folders:
        raise UsageError(f"published models in {root}", "none", f"put each in a folder with {FIGURES_NAME}")
    return [
        Published(path.name, path, load_assignment(path / FILE_NAME), read_figures(path / FIGURES_NAME))
        for path in folders
    ]


def read_figures(path: Path) -> Figures:
    """The authors' figures. Raises UsageError that names every problem with its line."""
    return read_toml(path, "file of published figures", _figures)


def _figures(content: Mapping[str, Any], problems: Problems) -> Figures:
    types = {f.name: str(f.type) for f in fields(Figures) if f.name != "differs"}
    plain = {name: value for name, value in content.items() if name != "differs"}
    values = values_of(plain, "", types, problems)
    differs = content.get("differs", {})
    if not isinstance(differs, dict):
        problems.add("", "differs", "[differs] must be a section")
        differs = {}
    reasons = values_of(differs, "differs", dict.fromkeys(FOLDERS.values(), "str"), problems)
    accuracy = values.setdefault("accuracy", 0.0)
    if "accuracy" not in content:
        problems.add("", "accuracy", "accuracy is missing")
    elif not 0 < accuracy < 1:
        problems.add("", "accuracy", f"accuracy must be more than 0 and less than 1, found {accuracy!r}")
    framework = values.get("framework", "keras")
    if framework not in FOLDERS.values():
        problems.add("", "framework", f"framework must be {' or '.join(FOLDERS.values())}, found {framework!r}")
    if not 0 <= values.get("decimals", 4) <= 12:
        problems.add("", "decimals", f"decimals must be from 0 to 12, found {values['decimals']}")
    return Figures(**values, differs=reasons)


def chosen(models: Sequence[Published], names: Sequence[str]) -> list[Published]:
    """The models of these names, all of them where none is named. Raises UsageError for a name that is not there."""
    known = {model.name: model for model in models}
    wrong = [name for name in names if name not in known]
    if wrong:
        found = "; ".join(unknown(f"model {name}", name, known) for name in wrong)
        raise UsageError("names of published models", found, f"choose from {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)] if names else list(models)
