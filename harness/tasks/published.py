"""Published models: the authors' figures, and where their recipes are.

A published model is a folder: `keras/` and `torch/` with the model as submissions, `assignment.toml` with the recipe
and `published.toml` with the authors' figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from harness.records.errors import UsageError
from harness.records.framework import BY_SHORT
from harness.tasks.assignment import FILE_NAME, Assignment, load_assignment
from harness.tasks.toml_file import Problems, read_toml, unknown, values_of

FIGURES_NAME = "published.toml"
FOLDERS = {framework: short for short, framework in sorted(BY_SHORT.items())}
"""The folder of each framework's model, in the order of their names."""


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
    """The authors' figures. Raises UsageError that lists all problems, each with its line."""
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
    """The models with these names, or all of them. Raises UsageError for an unknown name."""
    known = {model.name: model for model in models}
    wrong = [name for name in names if name not in known]
    if wrong:
        found = "; ".join(unknown(f"model {name}", name, known) for name in wrong)
        raise UsageError("names of published models", found, f"choose from {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)] if names else list(models)
