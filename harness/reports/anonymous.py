"""The same board with pseudonyms and nothing that identifies anyone, for the public. Pure.

An allow-list: a field is kept, replaced or removed, and whoever adds one decides which (`KEPT`, `REPLACED`,
`REMOVED`; a test compares them with the records). What a student wrote or could influence is removed: files,
layer names, what a check found and its advice, why a run ended. A check whose text may come from a build, where student
code runs, keeps only its id, and only if that is one of ours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from harness.records.board import (
    EARLIER_VERSION,
    ONE_SEED,
    Board,
    Difference,
    Pair,
    Points,
    PointsPart,
    Row,
    SeedRun,
    Status,
)
from harness.records.check import Check, Outcome
from harness.records.checks import KINDS
from harness.records.inputs import INPUT_FORMS
from harness.records.layer import Layer
from harness.records.run import RunStatus
from harness.tasks.assignment import PRESETS

Record = TypeVar("Record")

KEPT: dict[type[Any], frozenset[str]] = {
    Board: frozenset(
        """title dataset budget budget_hash reference reference_parameters sandboxed smallest_difference confusion
        hardest images environment points_rule points_parts""".split()
    ),
    Row: frozenset(
        """framework status place_low place_high versus_reference reference_difference is_reference matches_reference
        parameters macs accuracy accuracy_low accuracy_high errors_per_10000 seeds_asked output_kind confusion
        surprises engine cross_accuracy""".split()
    ),
    SeedRun: frozenset({"seed", "status", "accuracy", "seconds", "peak_memory", "curve"}),
    Check: frozenset({"outcome"}),
    Layer: frozenset({"input_shape", "output_shape", "window", "bias", "groups", "parameters", "frozen", "constants"})
    | {"macs"},
    Pair: frozenset({"is_clear"}),
    Points: frozenset({"earned", "possible"}),
    PointsPart: frozenset({"name", "earned", "possible"}),
}
"""Passed on as it is: numbers, statuses, and what the harness or the instructor alone wrote."""
REPLACED: dict[type[Any], frozenset[str]] = {
    Board: frozenset({"rows", "pairs", "command", "notes", "anonymous"}),
    Row: frozenset(
        {"submission", "reason", "runs", "same_as", "twin_group", "input_form", "layers", "checks", "points"}
    ),
    SeedRun: frozenset(),
    Check: frozenset({"id", "about", "expected", "brief"}),
    Layer: frozenset({"kind", "label", "formula"}),
    Pair: frozenset({"first", "second", "difference"}),
    Points: frozenset({"parts"}),
    PointsPart: frozenset(),
}
REMOVED: dict[type[Any], frozenset[str]] = {
    Board: frozenset(),
    Row: frozenset({"fingerprint", "entry", "pseudonym", "claims", "distrust"}),
    SeedRun: frozenset({"reason"}),
    Check: frozenset({"found", "try_"}),
    Layer: frozenset({"tensors", "shared"}),
    Pair: frozenset(),
    Points: frozenset(),
    PointsPart: frozenset({"why"}),
}

_OTHER_CHECK = "another check"
_ABOUT = re.compile(r"[A-Za-z]\w{0,15}")
_BRIEF = re.compile(r"[\d,.]+ %|[\d,]+ numbers?|\d+ of \d+ images")
_FORMULA = re.compile(r"[\d,]+ = [\d,+*() ]+")
_KINDS = frozenset(
    """conv2d depthwise_conv2d convolution transposed_convolution dense matmul max_pool avg_pool flatten reshape pad
    normalization embedding activation softmax log_softmax add mul mean sum max min norm cat stack split slice gather
    transpose expand tile resize grid_sample affine_grid""".split()
)
_OPTION = re.compile(rf" (--(?:budget[ =](?:{'|'.join(PRESETS)})|isolation[ =](?:walls|none)|cross-check))(?= |$)")


def anonymous(board: Board, pseudonyms: Mapping[str, str]) -> Board:
    """The board under pseudonyms, by the name of each submission; references keep their names.

    Rows of equal accuracy, and those without one, were sorted by name; now they are sorted by pseudonym.
    Raises KeyError for a submission without a pseudonym.
    """
    names = {row.submission: row.submission for row in board.rows if row.is_reference}
    names |= {row.submission: pseudonyms[row.submission] for row in board.rows if not row.is_reference}
    rows = [_row(row, names) for row in board.rows]
    order = sorted(range(len(rows)), key=lambda at: rows[at].position)
    return _allowed(
        board,
        rows=_numbered([rows[at] for at in order]),
        pairs=_pairs(board.pairs, order),
        command=_command(board.command),
        notes=tuple(note for note in board.notes if note in (ONE_SEED, EARLIER_VERSION)),
        anonymous=True,
    )


def _numbered(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Groups of twins, numbered in the new order."""
    groups = dict.fromkeys(row.twin_group for row in rows)
    number = {group: at for at, group in enumerate(group for group in groups if group is not None)}
    return tuple(row if row.twin_group is None else replace(row, twin_group=number[row.twin_group]) for row in rows)


def submissions(board: Board) -> tuple[str, ...]:
    """Names of the submissions that need a pseudonym."""
    return tuple(row.submission for row in board.rows if not row.is_reference)


def _allowed(record: Record, **replaced: Any) -> Record:
    """A record of the kept and the replaced fields; all others have their defaults."""
    make: Any = type(record)
    kept = {name: getattr(record, name) for name in KEPT[make]}
    return cast(Record, make(**kept, **replaced))


def _row(row: Row, names: Mapping[str, str]) -> Row:
    checks = tuple(_check(check, measured=bool(row.layers)) for check in row.checks)
    return _allowed(
        row,
        submission=names[row.submission],
        reason=_reason(row, checks),
        runs=tuple(_allowed(run) for run in row.runs),
        same_as=tuple(sorted(names[name] for name in row.same_as if name in names)),
        twin_group=row.twin_group,
        input_form=row.input_form if row.input_form in INPUT_FORMS.values() else "",
        layers=_layers(row.layers),
        checks=checks,
        points=row.points and _points(row.points),
    )


def _points(points: Points) -> Points:
    return _allowed(points, parts=tuple(_allowed(part) for part in points.parts))


def _check(check: Check, *, measured: bool) -> Check:
    """For a measured model, `expected` is our own text; without layers, it may come from the build."""
    if check.id not in KINDS:
        return _allowed(check, id=_OTHER_CHECK)
    about, brief = _matching(_ABOUT, check.about), _matching(_BRIEF, check.brief)
    return _allowed(check, id=check.id, about=about, expected=check.expected if measured else "", brief=brief)


def _matching(form: re.Pattern[str], text: str) -> str:
    return text if form.fullmatch(text) else ""


def _reason(row: Row, checks: Sequence[Check]) -> str:
    """The reason for a row's status in our own words: seeds that failed, and names of checks."""
    ended = [f"seed {run.seed} {run.status}" for run in row.runs if run.status is not RunStatus.DONE]
    wrong = [check.name for check in checks if check.outcome in (Outcome.FAILED, Outcome.ERRORED)]
    reasons = [*ended, *dict.fromkeys(wrong)]
    if row.status is Status.PROVISIONAL:
        reasons = ["one seed only"]
    elif row.status is Status.ERRORED and not reasons:
        reasons = ["not all runs are done"]
    return "; ".join(reasons)


def _layers(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Layers named after their kind: `conv2d 1`, `conv2d 2`, `dense 1`."""
    seen: Counter[str] = Counter()
    renamed = []
    for layer in layers:
        kind = layer.kind if layer.kind in _KINDS else "other"
        seen[kind] += 1
        formula = _matching(_FORMULA, layer.formula)
        renamed.append(_allowed(layer, kind=kind, label=f"{kind} {seen[kind]}", formula=formula))
    return tuple(renamed)


def _pairs(pairs: Iterable[Pair], order: Sequence[int]) -> tuple[Pair, ...]:
    """The pairs of rows in their new order, the upper row first."""
    moved = {old: new for new, old in enumerate(order)}
    turned = []
    for pair in pairs:
        first, second, difference = moved[pair.first], moved[pair.second], pair.difference
        if first > second:
            first, second = second, first
            # from 0.0, because a negative zero would reveal that the two were swapped
            difference = Difference(0.0 - difference.value, 0.0 - difference.high, 0.0 - difference.low)
        turned.append(_allowed(pair, first=first, second=second, difference=difference))
    return tuple(sorted(turned, key=lambda pair: (pair.first, pair.second)))


def _command(command: str) -> str:
    """`harness grade` with the options that affect measurement: no folder, no file, no name."""
    return " ".join(["harness grade", *_OPTION.findall(command)]) if command else ""
