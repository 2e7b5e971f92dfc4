"""When a published figure agrees with what was measured. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from scipy import special

from harness.records.board import Row, Status
from harness.records.framework import Framework
from harness.scoring.score import CONFIDENCE
from harness.tasks.published import FOLDERS, Published

TEST_IMAGES = 10_000


class Agreement(StrEnum):
    """The result of measuring a published figure again."""

    REPRODUCED = "reproduced"
    DIFFERS = "differs"
    FAILED = "failed"


RULE = (
    "Reproduced: the published accuracy p lies in the 95 % interval of the measured mean, widened by the published "
    "figure's own sampling error and by its rounding. It comes from one run on 10,000 images: its error is "
    "1.96 √(p (1 − p) / 10,000 + s²), added in quadrature, with s the standard deviation between our runs beyond what "
    "10,000 images explain."
)


@dataclass(frozen=True)
class Reproduction:
    """One published model trained again in one framework. `row` is its row on a board, `loss` the mean over seeds
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
        """How far the published run may deviate from the average of such runs, at 95 %."""
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
        """Why it failed, or the known reason for a difference."""
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
    """All results for published models. `pending` names those requested but not finished yet."""

    rows: tuple[Reproduction, ...]
    pending: tuple[str, ...] = ()
    sandboxed: bool = True
    command: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
