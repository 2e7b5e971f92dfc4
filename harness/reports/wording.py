"""How values are written, and the list of columns that terminal, Markdown and HTML share. Pure; plain text only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeGuard, TypeVar

from harness.records.board import Board, Difference, Digit, Row, SeedRun, Status, Versus
from harness.records.check import Check, Outcome
from harness.records.claim import Claim
from harness.records.framework import Framework
from harness.records.graph import Shape
from harness.records.run import RunStatus
from harness.reports.curves import Chart

NOTHING = "–"
UNSANDBOXED = "UNSANDBOXED: student code ran without walls and could have changed anything on this board."
PSEUDONYMS = "Submissions are named by pseudonyms. Each student finds theirs on their own page."
TROUBLE = "What went wrong, and what to try"
_REASON_LIMIT = 90
_NAMES_SHOWN = 4
_MANY_TWINS = 20
_PICTURE_NAME = 26
Item = TypeVar("Item")


@dataclass(frozen=True)
class Column(Generic[Item]):
    """One column of a table: `title` heads it, `help` explains it, `text` gives a row's value."""

    key: str
    title: str
    help: str
    text: Callable[[Item], str]
    right: bool = False


def columns(board: Board) -> tuple[Column[Row], ...]:
    """The columns of a board, in order."""
    return (
        Column(
            "place",
            "place",
            "the range of possible places; the order of rows without a clear difference means nothing",
            place,
            True,
        ),
        Column("submission", "submission", "name of the submission", submission),
        Column("framework", "framework", "the framework of the model", lambda row: framework(row.framework)),
        Column("matches", "matches reference", f"does the architecture match {board.reference}?", matches),
        Column(
            "parameters",
            "parameters",
            f"parameters, and the ratio to the {board.reference_parameters:,} of {board.reference}",
            lambda row: parameters(row.parameters, board.reference_parameters),
            True,
        ),
        Column("macs", "MACs", "multiply-accumulates to classify one image", lambda row: count(row.macs), True),
        *_result_columns(board),
        *([_POINTS] if board.points_rule else []),
        *([_FINDINGS] if any(row.findings for row in board.rows) else []),
    )


def _result_columns(board: Board) -> tuple[Column[Row], ...]:
    return (
        Column(
            "accuracy",
            "accuracy, 95 % interval",
            "mean test accuracy over the seeds, with its 95 % interval",
            accuracy_with_interval,
            True,
        ),
        Column(
            "versus",
            f"vs. {board.reference}",
            f"better or worse than {board.reference}, or no clear difference",
            versus,
        ),
        Column(
            "errors", "errors in 10,000", "errors in 10,000 test images", lambda r: errors(r.errors_per_10000), True
        ),
        Column("seeds", "seeds", "finished / required training runs", seeds, True),
        *([_CROSS_CHECK] if any(row.cross_accuracy is not None for row in board.rows) else []),
        Column("seconds", "time", "training time of all seeds, and what trained them", time_and_engine, True),
        Column("status", "status", "status of the submission, and the reason", status),
    )


def findings(row: Row) -> str:
    """`pretrained: 94.8 %, unmoved: 156 numbers`; a dash where nothing was found."""
    return ", ".join(f"{check.name}: {check.brief}" for check in row.findings) or NOTHING


def points(row: Row) -> str:
    """`87.5`; a dash for a row that has none, or none yet."""
    return NOTHING if row.points is None else number_of_points(row.points.earned)


def number_of_points(value: float) -> str:
    """`87.5`, with no more decimals than it needs."""
    return f"{value:,.2f}".rstrip("0").rstrip(".") if _finite(value) else NOTHING


_POINTS = Column("points", "points", "points under the assignment's rule, stated below the table", points, True)
_FINDINGS = Column(
    "findings", "findings", "possible cheating through data, or an innocent cause; see the notes", findings
)


_CROSS_CHECK = Column[Row](
    "cross_accuracy",
    "seed 0 by framework",
    "accuracy of seed 0, trained by the model's own framework too",
    lambda row: accuracy(row.cross_accuracy),
    True,
)


def distrusted(board: Board) -> tuple[str, ...]:
    """A sentence for each model that its framework trained because it did not confirm the compiled engine."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in board.rows:
        if row.distrust:
            groups.setdefault((row.fingerprint, row.distrust), []).append(row)
    return tuple(
        f"{listed([row.submission for row in rows])}: trained by {rows[0].trained_by or NOTHING} and not by the "
        f"compiled engine: {reason}. Please send this fingerprint to the maintainers: {fingerprint}."
        for (fingerprint, reason), rows in groups.items()
    )


def flagged(board: Board) -> tuple[str, ...]:
    """A sentence for each finding that the assignment lets pass."""
    return tuple(
        f"{row.submission}: {check.name}: {check.found}. Expected: {check.expected}. Try: {check.try_}."
        for row in board.rows
        for check in row.findings
        if check.outcome is Outcome.FLAGGED
    )


def below_table(board: Board) -> tuple[str, ...]:
    """What readers of the table need to know: which differences are clear, and what points are given for."""
    return (*smallest_difference(board), *([board.points_rule] if board.points_rule else []))


def remarks(board: Board) -> tuple[str, ...]:
    """Other remarks: submissions that are the same model, findings, and notes on the whole board."""
    pseudonyms = (PSEUDONYMS,) if board.anonymous else ()
    return (*pseudonyms, *twins(board), *flagged(board), *distrusted(board), *board.notes)


def notes(board: Board) -> tuple[str, ...]:
    """All sentences below the table, in order."""
    return (*below_table(board), *remarks(board))


def _finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def place(row: Row) -> str:
    """`2`, `2–5`, or `=1 (1–4)` for one of several that may be the best; a dash for rows that are not ranked."""
    low, high = row.place_low, row.place_high
    if low is None or high is None:
        return NOTHING
    if low == high:
        return str(low)
    return f"=1 (1–{high})" if low == 1 else f"{low}–{high}"


def versus(row: Row) -> str:
    """`better`, `worse`, or `no clear difference`; a dash where there was nothing to compare."""
    return str(row.versus_reference) if row.versus_reference else NOTHING


def smallest_difference(board: Board) -> tuple[str, ...]:
    """The smallest difference that is usually clear, as a sentence; none where nothing was compared."""
    least = board.smallest_difference
    if not _finite(least):
        return ()
    size = f"{10_000 * least:,.0f} errors in 10,000"
    leaders = sum(row.place_low == 1 for row in board.rows)
    best = f" {leaders} submissions may be the best." if leaders > 1 else ""
    return (f"Differences of less than about {size} are usually not clear on this board.{best}",)


def submission(row: Row) -> str:
    """The name; a reference is marked as one."""
    return f"{row.submission} (reference)" if row.is_reference else row.submission


def difference(value: Difference) -> str:
    """`−12 errors in 10,000 (−30 to +6)`: the sign is that of errors, so negative is better."""
    texts = [f"{round(-10_000 * part):+d}".replace("-", "−") for part in (value.value, value.high, value.low)]
    return f"{texts[0]} errors in 10,000 ({texts[1]} to {texts[2]})"


def reference_difference(row: Row) -> str:
    """The difference from the reference, and why it may still be unclear; empty if nothing was compared."""
    found = row.reference_difference
    if found is None:
        return ""
    is_clear = found.low > 0 or found.high < 0
    if row.versus_reference is Versus.UNCLEAR and is_clear:
        return f"{difference(found)}; with this many comparisons, one like it may occur by chance"
    return difference(found)


def short_name(row: Row) -> str:
    """The name, shortened to fit a picture."""
    name = row.submission
    return name if len(name) <= _PICTURE_NAME else f"{name[: _PICTURE_NAME - 1].rstrip()}…"


def framework(value: Framework | None) -> str:
    """`PyTorch` or `Keras`."""
    return NOTHING if value is None else value.facts.title


def matches(row: Row) -> str:
    """`yes` or `no`; a dash where the model could not be examined."""
    if row.parameters is None:
        return NOTHING
    return "yes" if row.matches_reference else "no"


def count(value: int | None) -> str:
    """`416,520`."""
    return NOTHING if value is None else f"{value:,}"


def ratio(value: int, reference: int) -> str:
    """`1.00x` of the reference."""
    return f"{value / reference:.2f}x" if reference else ""


def parameters(value: int | None, reference: int) -> str:
    """`61,706 (1.00x)`."""
    if value is None or not reference:
        return count(value)
    return f"{value:,} ({ratio(value, reference)})"


def accuracy(value: float | None, decimals: int = 2) -> str:
    """`98.71 %`."""
    return f"{100 * value:.{decimals}f} %" if _finite(value) else NOTHING


def loss(value: float | None) -> str:
    """`0.0421`."""
    return f"{value:.4f}" if _finite(value) else NOTHING


def interval(low: float | None, high: float | None) -> str:
    """`98.5–98.9 %`; a narrow one gets a second decimal, so that both ends differ."""
    if not _finite(low) or not _finite(high):
        return ""
    decimals = 1 if high - low >= 0.002 else 2
    return f"{100 * low:.{decimals}f}–{100 * high:.{decimals}f} %"


def accuracy_with_interval(row: Row) -> str:
    """`98.71 % (98.5–98.9 %)`."""
    bounds = interval(row.accuracy_low, row.accuracy_high)
    return f"{accuracy(row.accuracy)} ({bounds})" if bounds and _finite(row.accuracy) else accuracy(row.accuracy)


def errors(value: float | None) -> str:
    """`129`."""
    return f"{value:,.0f}" if _finite(value) else NOTHING


def seeds(row: Row) -> str:
    """`3/3`."""
    return f"{row.seeds_done}/{row.seeds_asked}" if row.seeds_asked else NOTHING


def seconds(value: float) -> str:
    """`42 s`; with tenths below ten seconds."""
    if not math.isfinite(value) or value <= 0:
        return NOTHING
    return f"{value:.1f} s" if value < 9.95 else f"{value:,.0f} s"


def time_and_engine(row: Row) -> str:
    """`42 s (compiled)` or `193 s (PyTorch)`; the time alone where runs do not say what trained them."""
    return f"{seconds(row.seconds)} ({row.trained_by})" if row.trained_by else seconds(row.seconds)


def short_reason(row: Row) -> str:
    """The reason, shortened if it is long."""
    return row.reason if len(row.reason) <= _REASON_LIMIT else row.reason[: _REASON_LIMIT - 1].rstrip() + "…"


def status(row: Row) -> str:
    """`failed: layer C1`; a long reason is shortened, `full_status` gives all of it."""
    return f"{row.status}: {short_reason(row)}" if row.reason else str(row.status)


def full_status(row: Row) -> str:
    """The status with its whole reason."""
    return f"{row.status}: {row.reason}" if row.reason else str(row.status)


def seed_run(run: SeedRun) -> str:
    """`98.71 %`, or how the seed ended."""
    return accuracy(run.accuracy) if run.status is RunStatus.DONE else str(run.status)


def height_of_curve(chart: Chart, value: float) -> str:
    """`98.71 %`, or a loss: `0.0421`."""
    return f"{value:.3g}" if chart.is_loss else accuracy(value)


def digit(found: Digit) -> str:
    """`test image 4176: a 2, read as 7; 12 % right`."""
    return f"test image {found.index}: a {found.label}, read as {found.answer}; {right_share(found)}"


def right_share(found: Digit) -> str:
    """The share of models that are right on an image: `12 % right`."""
    return f"{100 * found.right:.0f} % right"


def shape(value: Shape) -> str:
    """`6x28x28`, channels first."""
    return "x".join(str(size) for size in value) or NOTHING


def claimed(claim: Claim) -> tuple[str, ...]:
    """A claim as a table row: name, claimed and correct count, the count spelled out, and the likely mistake."""
    spelled = claim.formula.removeprefix(f"{claim.right:,} ") if claim.right is not None else ""
    return (claim.name, count(claim.claimed), count(claim.right), spelled or NOTHING, claim.reason)


def failed_rows(board: Board) -> tuple[Row, ...]:
    """The submissions that need attention."""
    return tuple(row for row in board.rows if row.status in (Status.FAILED, Status.ERRORED))


def failed_checks(row: Row) -> tuple[Check, ...]:
    """The checks that say what is wrong with a submission."""
    return tuple(check for check in row.checks if check.outcome in (Outcome.FAILED, Outcome.ERRORED))


def parts(check: Check) -> tuple[tuple[str, str], ...]:
    """The messages of a check that found something, in order, each with its heading; empty ones are omitted."""
    texts = (("expected", check.expected), ("found", check.found), ("try", check.try_))
    return tuple((heading, text) for heading, text in texts if text)


def checks_passed(checks: Sequence[Check]) -> str:
    """`14 of 14 checks passed`, and how many were flagged."""
    passed, flags = (sum(check.outcome is outcome for check in checks) for outcome in (Outcome.PASSED, Outcome.FLAGGED))
    return f"{passed} of {len(checks)} checks passed" + f", {flags} flagged" * bool(flags)


def listed(names: Sequence[str]) -> str:
    """`ada, ben and chloe`; a long list is shortened."""
    if len(names) > _NAMES_SHOWN + 1:
        return f"{', '.join(names[:_NAMES_SHOWN])} and {len(names) - _NAMES_SHOWN} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def twins(board: Board) -> tuple[str, ...]:
    """A sentence for each group of submissions that are the same model."""
    groups: dict[int, list[str]] = {}
    for row in board.rows:
        if row.twin_group is not None:
            groups.setdefault(row.twin_group, []).append(row.submission)
    same = "the same model with the same initial weights, trained once"
    return tuple(f"{listed(group)}: {same}." for group in groups.values())


def same_as(row: Row) -> str:
    """`ben, chloe and dan`; a row of a large group names only the first ones, and says so."""
    names = row.same_as
    return listed(names) if len(names) < _MANY_TWINS else f"{', '.join(names[:_NAMES_SHOWN])} and many more"


def measurement(board: Board) -> tuple[str, ...]:
    """How the figures were measured, in sentences."""
    return (
        f"Data: {board.dataset}. Figures with a budget hash other than {board.budget_hash} are not comparable.",
        "The harness trains every submission itself, with the same examples, order, loss, optimizer and seeds; "
        "parameters, shapes and multiply-accumulates are recomputed from the exported model.",
        "Accuracy is the mean over the seeds on test images not used in training; its 95 % interval accounts for the "
        "choice of seeds and of test images. Time is shown but never affects ranking.",
    )
