"""The data types of a board, from which reports are made. Frozen; every accuracy is a fraction of the test images."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from harness.records.check import Check
from harness.records.claim import Claim
from harness.records.engine import Engine
from harness.records.framework import Framework
from harness.records.graph import OutputKind
from harness.records.layer import Layer
from harness.records.run import Curve, RunStatus

Confusion = tuple[tuple[int, ...], ...]
"""How often an image of the class (row) was classified as a class (column), summed over seeds; empty if unknown."""


class Status(StrEnum):
    """The status of a row. A single seed is provisional; only ranked rows have a place."""

    RANKED = "ranked"
    PROVISIONAL = "provisional"
    FAILED = "failed"
    ERRORED = "errored"


_ORDER = {Status.RANKED: 0, Status.PROVISIONAL: 0, Status.FAILED: 1, Status.ERRORED: 2}
ONE_SEED = "One seed: provisional, unranked."
"""The note of a board whose budget has a single seed."""
EARLIER_VERSION = "Graded by an earlier version of the harness: `harness grade` trains these models again."
"""The note of a board whose runs this version would compute in another way."""


class Versus(StrEnum):
    """How a submission compares with the reference of its framework."""

    BETTER = "better"
    UNCLEAR = "no clear difference"
    WORSE = "worse"


@dataclass(frozen=True)
class Difference:
    """A difference of two accuracies with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SeedRun:
    """One seed of a row. A seed that failed has accuracy 0; `peak_memory` is in bytes, `seconds` are those of
    training."""

    seed: int
    status: RunStatus
    accuracy: float
    reason: str = ""
    seconds: float = 0.0
    peak_memory: int = 0
    curve: Curve = field(default_factory=Curve)


@dataclass(frozen=True)
class Digit:
    """A misclassified test image. `right` is the share of trained models, one per seed of each submission considered,
    that were right; `answer` is the most frequent wrong class."""

    index: int
    label: int
    answer: int
    right: float


@dataclass(frozen=True)
class PointsPart:
    """Points for one part, with a brief reason."""

    name: str
    earned: float
    possible: float
    why: str = ""


@dataclass(frozen=True)
class Points:
    """The points of one submission. `possible` is the maximum without the bonus, limited by the cap."""

    earned: float
    possible: float
    parts: tuple[PointsPart, ...]


@dataclass(frozen=True)
class Row:
    """One submission on the board.

    `accuracy` is the mean over all seeds, `accuracy_low` and `accuracy_high` bound its 95 % interval. Submissions with
    one `twin_group` have identical runs (same graph, same initial weights): they were trained once. `same_as` names the
    first 20 others of its group. Only ranked submissions have places: no better than `place_low`, no worse than
    `place_high`, as far as this board can tell. `pseudonym` is its name on anonymous boards. `surprises` are the test
    images it got wrong and others got right. `points` is None where the assignment gives none, for references, and as
    long as the harness has no result for the submission. `engine` is what trained it, None if nothing did, or before
    runs recorded it; `distrust` is why its framework did though the compiled engine covers the model. `cross_accuracy`
    is that of seed 0 trained by the framework too, if that was asked for.
    """

    submission: str
    framework: Framework | None
    status: Status
    reason: str = ""
    place_low: int | None = None
    place_high: int | None = None
    versus_reference: Versus | None = None
    reference_difference: Difference | None = None
    is_reference: bool = False
    matches_reference: bool = False
    parameters: int | None = None
    macs: int | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    errors_per_10000: float | None = None
    runs: tuple[SeedRun, ...] = ()
    seeds_asked: int = 0
    fingerprint: str = ""
    same_as: tuple[str, ...] = ()
    twin_group: int | None = None
    entry: str = ""
    input_form: str = ""
    output_kind: OutputKind | None = None
    layers: tuple[Layer, ...] = ()
    checks: tuple[Check, ...] = ()
    pseudonym: str = ""
    claims: tuple[Claim, ...] = ()
    points: Points | None = None
    confusion: Confusion = ()
    surprises: tuple[Digit, ...] = ()
    engine: Engine | None = None
    distrust: str = ""
    cross_accuracy: float | None = None

    @property
    def position(self) -> tuple[int, float, str]:
        """What rows are sorted by: ranked or provisional by accuracy, then failed, then errored, each by name."""
        return _ORDER[self.status], -(self.accuracy or 0.0), self.submission

    @property
    def trained_by(self) -> str:
        """`compiled`, or the name of the framework; empty where that is not known."""
        if self.engine is Engine.FRAMEWORK and self.framework is not None:
            return self.framework.facts.title
        return str(self.engine or "")

    @property
    def findings(self) -> tuple[Check, ...]:
        """The checks that the assignment's policy decides on, flagged or failed."""
        return tuple(check for check in self.checks if check.brief)

    @property
    def seeds_done(self) -> int:
        """How many seeds finished training."""
        return sum(run.status is RunStatus.DONE for run in self.runs)

    @property
    def seconds(self) -> float:
        """Training time of all seeds."""
        return sum((run.seconds for run in self.runs), 0.0)

    @property
    def seed_accuracies(self) -> tuple[float, ...]:
        """Accuracy of each seed."""
        return tuple(run.accuracy for run in self.runs)

    @property
    def curves(self) -> tuple[Curve, ...]:
        """Learning curve of each seed."""
        return tuple(run.curve for run in self.runs)


@dataclass(frozen=True)
class Pair:
    """Two ranked submissions, by their positions among the rows: accuracy of the first minus that of the second.

    `is_clear` is after Holm's correction over all pairs of the board; the interval is that of this pair alone.
    """

    first: int
    second: int
    difference: Difference
    is_clear: bool


@dataclass(frozen=True)
class Board:
    """One leaderboard: rows in board order (ranked or provisional by accuracy, then failed, then errored).

    An `anonymous` board has pseudonyms for names. `sandboxed` is false where student code ran without walls: it could
    have changed anything on the board. `smallest_difference` is the smallest difference in accuracy that is clear for a
    typical pair on this board. `pairs` is empty on a board with too many pairs to show. `images` holds the 28x28 bytes
    of each test image that a digit in `hardest` or in a row refers to. `command` is the command that graded this board.
    `points_rule` says in one sentence what points are given for, `points_parts` names those parts; both are empty where
    there are no points.
    """

    title: str
    dataset: str
    budget: str
    budget_hash: str
    reference: str
    reference_parameters: int
    rows: tuple[Row, ...]
    sandboxed: bool = True
    anonymous: bool = False
    smallest_difference: float | None = None
    pairs: tuple[Pair, ...] = ()
    confusion: Confusion = ()
    hardest: tuple[Digit, ...] = ()
    images: dict[int, bytes] = field(default_factory=dict)
    points_rule: str = ""
    points_parts: tuple[str, ...] = ()
    command: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
