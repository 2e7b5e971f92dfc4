"""The results of a study: the frozen data types of its reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.board import Row, Status
from harness.records.framework import Framework


@dataclass(frozen=True)
class Answer:
    """One value of the setting that a question changes. `row` is None for a model that cannot be built (with the
    reason) or that is not finished yet; `loss` is the mean over seeds of the loss on the test images."""

    label: str
    is_base: bool
    row: Row | None = None
    loss: float | None = None
    reason: str = ""

    @property
    def trouble(self) -> str:
        """Why there is no accuracy; empty where there is one."""
        if self.row is None:
            return self.reason or "not finished yet"
        is_measured = self.row.status in (Status.RANKED, Status.PROVISIONAL)
        return "" if is_measured else self.row.reason


@dataclass(frozen=True)
class Answered:
    """A question with its answers, in the order of the study file."""

    ask: str
    field: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class StudyBoard:
    """All results of a study so far. `name` is that of its file, `base` what the others are compared with; `pending`
    names the models that are not finished yet."""

    title: str
    name: str
    base: str
    framework: Framework
    dataset: str
    budget: str
    budget_hash: str
    questions: tuple[Answered, ...]
    pending: tuple[str, ...] = ()
    sandboxed: bool = True
    command: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
