"""How values read, and the one list of columns that terminal, Markdown and HTML share. Pure; plain text only."""

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
from harness.records.layer import Layer
from harness.records.run import RunStatus
from harness.reports.curves import Chart

NOTHING = "–"
UNSANDBOXED = "UNSANDBOXED: student code ran without walls and could have changed anything this board says."
PSEUDONYMS = "Submissions are named by pseudonyms. Each student finds theirs on their own page."
TROUBLE = "What went wrong, and what to try"
_REASON_LIMIT = 90
_NAMES_SHOWN = 4
_MANY_TWINS = 20
_PICTURE_NAME = 26
Item = TypeVar("Item")
_KINDS = {"conv2d": "convolution", "max_pool": "max pooling", "avg_pool": "average pooling"}


@dataclass(frozen=True)
class Column(Generic[Item]):
    """One column of a table: `title` heads it, `help` explains it, `text` says what a row has in it."""

    key: str
    title: str
    help: str
    text: Callable[[Item], str]
    right: bool = False


def columns(board: Board) -> tuple[Column[Row], ...]:
    """The columns of a board, in order."""
    return (
        Column("place", "place", "the places that it may have: order inside a tie means nothing", place, True),
        Column("submission", "submission", "name of the submission", submission),
        Column("framework", "framework", "what the model is written in", lambda row: framework(row.framework)),
        Column("matches", "matches reference", f"is the architecture that of {board.reference}?", matches),
        Column(
            "parameters",
            "parameters",
            f"parameters, and their ratio to the {board.reference_parameters:,} of {board.reference}",
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
            "mean over the seeds on the test images, with its 95 % interval",
            accuracy_with_interval,
            True,
        ),
        Column(
            "versus",
            f"against {board.reference}",
            f"is it better or worse than {board.reference}, as far as this board can tell?",
            versus,
        ),
        Column(
            "errors", "errors in 10,000", "wrong among 10,000 test images", lambda r: errors(r.errors_per_10000), True
        ),
        Column("seeds", "seeds", "trainings that ended, of those asked for", seeds, True),
        Column("seconds", "time", "training time of all seeds", lambda row: seconds(row.seconds), True),
        Column("status", "status", "how the submission stands, and why", status),
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


_POINTS = Column(
    "points", "points", "what the assignment gives for this; the rule stands below the table", points, True
)
_FINDINGS = Column("findings", "findings", "what may be cheating by data, or a habit; the notes say more", findings)


def flagged(board: Board) -> tuple[str, ...]:
    """A sentence for each finding that the assignment lets pass."""
    return tuple(
        f"{row.submission}: {check.name}: {check.found}. Expected: {check.expected}. Try: {check.try_}."
        for row in board.rows
        for check in row.findings
        if check.outcome is Outcome.FLAGGED
    )


def below_table(board: Board) -> tuple[str, ...]:
    """What has to be known to read the table: what it cannot tell, and what points are given for."""
    return (*smallest_difference(board), *([board.points_rule] if board.points_rule else []))


def remarks(board: Board) -> tuple[str, ...]:
    """What was noticed besides: submissions that are one model, findings, and notes on the whole board."""
    pseudonyms = (PSEUDONYMS,) if board.anonymous else ()
    return (*pseudonyms, *twins(board), *flagged(board), *board.notes)


def notes(board: Board) -> tuple[str, ...]:
    """Everything that is said below the table, in order."""
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
    """`better`, `worse`, or `not told apart`; a dash where there was nothing to compare."""
    return str(row.versus_reference) if row.versus_reference else NOTHING


def smallest_difference(board: Board) -> tuple[str, ...]:
    """What this board cannot tell, as a sentence; none where nothing was compared."""
    least = board.smallest_difference
    if not _finite(least):
        return ()
    told = f"{10_000 * least:,.0f} errors in 10,000"
    ties = sum(row.place_low == 1 for row in board.rows)
    best = f" {ties} submissions may be the best." if ties > 1 else ""
    return (f"Differences of less than about {told} are ties on this board.{best}",)


def submission(row: Row) -> str:
    """The name; a reference says that it is one."""
    return f"{row.submission} (reference)" if row.is_reference else row.submission


def difference(value: Difference) -> str:
    """`−12 errors in 10,000 (−30 to +6)`: fewer errors are the better, so the sign is that of errors."""
    told = [f"{round(-10_000 * part):+d}".replace("-", "−") for part in (value.value, value.high, value.low)]
    return f"{told[0]} errors in 10,000 ({told[1]} to {told[2]})"


def reference_difference(row: Row) -> str:
    """The difference to the reference, and why one without 0 may not be enough; empty if nothing was compared."""
    found = row.reference_difference
    if found is None:
        return ""
    is_clear = found.low > 0 or found.high < 0
    if row.versus_reference is Versus.TIED and is_clear:
        return f"{difference(found)}; by chance alone, one of so many comparisons may look like that"
    return difference(found)


def short_name(row: Row) -> str:
    """The name, cut to what a picture has room for."""
    name = row.submission
    return name if len(name) <= _PICTURE_NAME else f"{name[: _PICTURE_NAME - 1].rstrip()}…"


def framework(value: Framework | None) -> str:
    """`PyTorch` or `Keras`."""
    return NOTHING if value is None else value.facts.title


def matches(row: Row) -> str:
    """`yes` or `no`; a dash where the model could not be looked at."""
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
    """`98.5–98.9 %`; a narrow one gets a second decimal, or both ends would read the same."""
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
    """`42 s`; a tenth is told below ten seconds."""
    if not math.isfinite(value) or value <= 0:
        return NOTHING
    return f"{value:.1f} s" if value < 9.95 else f"{value:,.0f} s"


def short_reason(row: Row) -> str:
    """The reason, cut short if it is long."""
    return row.reason if len(row.reason) <= _REASON_LIMIT else row.reason[: _REASON_LIMIT - 1].rstrip() + "…"


def status(row: Row) -> str:
    """`failed: layer C1`; a long reason is cut short, `full_status` tells it all."""
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
    """`test image 4176: a 2, taken for 7; 12 % of the models are right`."""
    return f"test image {found.index}: a {found.label}, taken for {found.answer}; {right_share(found)}"


def right_share(found: Digit) -> str:
    """How many models are right on an image: `12 % right`."""
    return f"{100 * found.right:.0f} % right"


def shape(value: Shape) -> str:
    """`6x28x28`, channels first."""
    return "x".join(str(size) for size in value) or NOTHING


def layer_kind(layer: Layer) -> str:
    """`convolution 5x5, padding 2`: the kind with the settings that matter."""
    kind = _KINDS.get(layer.kind, layer.kind.replace("_", " "))
    settings = [f"{name} {value}" for name, value in layer_settings(layer)]
    return ", ".join([f"{kind} {shape(layer.window.kernel)}", *settings]) if layer.window else kind


def layer_settings(layer: Layer) -> list[tuple[str, str]]:
    """`("padding", "2")`: each setting of a window that is not the usual one."""
    window = layer.window
    if window is None:
        return []
    usual = (1, 1) if layer.kind == "conv2d" else window.kernel
    sides = set(window.padding)
    padding = str(window.padding[0]) if len(sides) == 1 else "/".join(str(side) for side in window.padding)
    found = [("stride", shape(window.stride))] * (window.stride != usual)
    found += [("padding", padding)] * (sides != {0})
    return found + [("dilation", shape(window.dilation))] * (window.dilation != (1, 1))


def layer_parameters(layer: Layer) -> str:
    """`156`, and apart from it what is not trained."""
    parts = [f"{layer.parameters:,}"] if layer.parameters or not (layer.frozen or layer.constants) else []
    parts += [f"{layer.frozen:,} frozen"] * bool(layer.frozen)
    parts += [f"{layer.constants:,} constant"] * bool(layer.constants)
    return " + ".join(parts)


def layer_count(layer: Layer) -> str:
    """`= (5*5*1 + 1) * 6`, to stand beside the parameters; the whole formula where it counts something else."""
    return layer.formula.removeprefix(f"{layer_parameters(layer)} ") or NOTHING


def layer_macs(layer: Layer) -> str:
    """`117,600`; a dash for a layer that multiplies nothing."""
    return count(layer.macs or None)


def claimed(claim: Claim) -> tuple[str, ...]:
    """A claim as a line of a table: name, what was said, what is right, spelled out, and why somebody may differ."""
    spelled = claim.formula.removeprefix(f"{claim.right:,} ") if claim.right is not None else ""
    return (claim.name, count(claim.claimed), count(claim.right), spelled or NOTHING, claim.reason)


def failed_rows(board: Board) -> tuple[Row, ...]:
    """The submissions that somebody has to do something about."""
    return tuple(row for row in board.rows if row.status in (Status.FAILED, Status.ERRORED))


def failed_checks(row: Row) -> tuple[Check, ...]:
    """The checks that say what is wrong with a submission."""
    return tuple(check for check in row.checks if check.outcome in (Outcome.FAILED, Outcome.ERRORED))


def parts(check: Check) -> tuple[tuple[str, str], ...]:
    """What a check that found something tells, in order, each with its heading; what is not there is left out."""
    told = (("expected", check.expected), ("found", check.found), ("try", check.try_))
    return tuple((heading, text) for heading, text in told if text)


def checks_passed(checks: Sequence[Check]) -> str:
    """`14 of 14 checks passed`, and how many were flagged."""
    passed, flags = (sum(check.outcome is outcome for check in checks) for outcome in (Outcome.PASSED, Outcome.FLAGGED))
    return f"{passed} of {len(checks)} checks passed" + f", {flags} flagged" * bool(flags)


def listed(names: Sequence[str]) -> str:
    """`ada, ben and chloe`; a long list is cut short."""
    if len(names) > _NAMES_SHOWN + 1:
        return f"{', '.join(names[:_NAMES_SHOWN])} and {len(names) - _NAMES_SHOWN} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def twins(board: Board) -> tuple[str, ...]:
    """A sentence for each group of submissions that are the very same model."""
    groups: dict[int, list[str]] = {}
    for row in board.rows:
        if row.twin_group is not None:
            groups.setdefault(row.twin_group, []).append(row.submission)
    told = "the same model with the same initial weights, trained once for all of them"
    return tuple(f"{listed(group)}: {told}." for group in groups.values())


def same_as(row: Row) -> str:
    """`ben, chloe and dan`; a row names no more than the first of a large group, which is told."""
    names = row.same_as
    return listed(names) if len(names) < _MANY_TWINS else f"{', '.join(names[:_NAMES_SHOWN])} and many more"


def measurement(board: Board) -> tuple[str, ...]:
    """How the figures came about, in sentences."""
    return (
        f"Data: {board.dataset}. Figures of another budget hash than {board.budget_hash} do not compare with these.",
        "Every submission is trained by the harness alone, with the same examples, order, loss, optimiser and seeds; "
        "parameters, shapes and multiply-accumulates are recomputed from the exported model.",
        "Accuracy is the mean over the seeds on test images that no training saw; its 95 % interval covers the choice "
        "of seeds and of test images. Time is told, but never ranks.",
    )
