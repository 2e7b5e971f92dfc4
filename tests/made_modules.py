"""Modules made at random whose maker knows what is hidden in them, and what the harness makes of each.

A module is source code, so that it goes the way of every submission: traced, audited, counted, its findings written. Of
the harness's walls there are none here: nothing in it is hostile to a process.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.artifact.audit import audit
from harness.artifact.weights import views
from harness.backends.base import Backend
from harness.backends.source import Sources
from harness.language.graph import ModelGraph
from harness.model.table import layer_table
from harness.model.verify import judge
from harness.records.artifact import Artifact
from harness.records.check import Outcome
from harness.records.errors import ArtifactError, SubmissionError
from harness.records.framework import Framework
from harness.records.layer import LayerTable
from harness.records.submission import SourceFile
from harness.scoring.findings import of_graph
from reference.lenet5 import LENET5

WORD = 32
FREE_WIRING = 64 * WORD
"""Bits that the order of operators may hold: a network has one, too."""
_IN_PYTHON = re.compile(r"\b[A-Z]\w*Error: ")
"""A module that does not run proves nothing."""


class Maker:
    """A module that grows by one statement after the other. `shape` is that of `x` for one image."""

    def __init__(self, seed: int, shape: tuple[int, ...]) -> None:
        self.random, self.shape = random.Random(seed), shape
        self.init: list[str] = []
        self.forward: list[str] = []
        self.when = ""
        """A condition for what is added to the forward pass."""

    @property
    def size(self) -> int:
        """How many numbers a flat `x` has for each image."""
        (size,) = self.shape
        return size

    def attribute(self, value: str) -> str:
        """A new attribute of the model, and how it is read."""
        name = f"self.v{len(self.init)}"
        self.init.append(f"{name} = {value}")
        return name

    def do(self, *statements: str) -> None:
        self.forward += [f"if {self.when}: {one}" if self.when else one for one in statements]

    def real(self, least: float = 0.01, most: float = 0.99) -> float:
        """Any number; each of them is another one."""
        return self.random.uniform(least, most)

    def reals(self, *shape: int) -> list:
        if not shape:
            return self.real()
        return [self.reals(*shape[1:]) for _ in range(shape[0])]


Way = Callable[[Maker], float | None]
"""Adds something to a module. A way to hide numbers returns their bits."""


def each(*statements: str, numbers: int = 1) -> Way:
    """Statements in which each `{}` is another number."""

    def hide(to: Maker) -> float:
        count = to.random.randint(1, 30)
        for _ in range(count):
            statement = to.random.choice(statements)
            to.do(statement.format(*(to.real() for _ in range(numbers))))
        return WORD * numbers * count

    return hide


def of_size(statement: str, *, numbers: int = 1) -> Way:
    """`each`, in a statement that reads the size."""
    return lambda to: each(statement.replace("SIZE", str(to.size)), numbers=numbers)(to)


@dataclass(frozen=True)
class Made:
    """Source code, and what its maker knows of it."""

    seed: int
    kind: str
    ways: tuple[str, ...]
    code: str
    bits: float = 0.0
    """What the numbers hold that are no parameters."""

    @property
    def words(self) -> int:
        return int(self.bits // WORD)

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.kind}: {', '.join(self.ways)}; {self.bits:.0f} bits\n{self.code}"


@dataclass(frozen=True)
class Judged:
    """What the harness makes of a module; nothing but `refused` where it is not accepted."""

    refused: str = ""
    findings: Mapping[str, str] = field(default_factory=dict)
    hidden: int = 0
    """All numbers that are no parameters, in words, whatever the allowance."""
    parameters: int = 0
    rows: int = 0
    matches: bool = False
    """The reference, in all checks."""


def judged(backend: Backend, made: Made, framework: Framework) -> Judged:
    """Trace, audit and count a module."""
    return judged_code(backend, made.code, framework)


def judged_code(backend: Backend, code: str, framework: Framework) -> Judged:
    """The same of any source code."""
    try:
        artifact = built(backend, code, framework)
        model = audit(artifact).model
        starts = [dict(views(artifact.weights[0]))]
        table = layer_table(model, starts=starts)
        checks, matches = checked(model, table)
        everything, _ = checked(model, layer_table(model, 0, starts))
    except (ArtifactError, SubmissionError) as error:
        return Judged(error.found)
    findings = {name: words for name, words in checks.items() if words}
    frozen = sum(layer.frozen for layer in table.layers)  # a column of the layer table
    hidden = _count(everything["hidden"]) + frozen
    return Judged("", findings, hidden, table.parameters, len(table.layers), matches and not findings)


def built(backend: Backend, code: str, framework: Framework) -> Artifact:
    return backend.build(Sources([SourceFile("model.py", code.encode())], "model.py", framework), 1)


def checked(model: ModelGraph, table: LayerTable) -> tuple[dict[str, str], bool]:
    """Each check of a free design by its name, with what was found where it failed, and whether it matches the
    reference."""
    judgment = judge(table, model.input_shape, model.framework, LENET5, must_match=False, max_parameters=None)
    checks = (*judgment.checks, *of_graph(model))
    found = {check.id: check.found if check.outcome is Outcome.FAILED else "" for check in checks}
    return found, judgment.matches_reference


def _count(words: str) -> int:
    """`1,234 numbers held in a buffer`: 1234."""
    return int(words.split()[0].replace(",", "")) if words else 0


def complaint(made: Made, verdict: Judged, parameters: int | None) -> str:
    """What is wrong with a verdict by all that the maker knows; empty if nothing is."""
    if made.kind == "honest":
        told = verdict.refused or "; ".join(verdict.findings.values())
        is_counted = told or verdict.parameters == parameters
        return told if told or is_counted else f"{verdict.parameters} parameters instead of {parameters}"
    if verdict.refused:
        return verdict.refused if _IN_PYTHON.search(verdict.refused) else ""
    if verdict.hidden < made.words:
        return f"{verdict.hidden} numbers counted, {made.words} hidden"
    wanted = {"numbers": set(), "batch": {"batch_dependent", "evaluation"}, "training": {"training_only", "hidden"}}[
        made.kind
    ]
    if wanted and not wanted & verdict.findings.keys():
        return f"accepted with {sorted(verdict.findings)}"
    return ""


def choose(seed: int, kinds: Mapping[str, Sequence[str]]) -> tuple[str, tuple[str, ...]]:
    """The kind of a module by its seed, and one way or a few of it."""
    chance = random.Random(seed)
    kind = list(kinds)[seed % len(kinds)]
    names = list(kinds[kind])
    count = {"honest": 0, "numbers": chance.choice([1, 1, 2, 3])}.get(kind, 1)
    return kind, tuple(chance.sample(names, count))


def told(made: Made, wrong: str) -> list[str]:
    """A complaint with the module that it is about."""
    return [f"{wrong}\n{made}"] if wrong else []


def model_of_code(code: str) -> Any:
    """The model that the source code makes, as its framework has it."""
    names: dict[str, Any] = {}
    exec(code, names)
    return names["build_model"]()


def shares(verdicts: Sequence[tuple[Made, Judged]]) -> dict[str, float]:
    """Of each kind of modules, how many are not refused."""
    kinds = {made.kind for made, _ in verdicts}
    refused = {kind: [bool(verdict.refused) for made, verdict in verdicts if made.kind == kind] for kind in kinds}
    return {kind: 1 - sum(each) / len(each) for kind, each in refused.items()}
