"""From a board's rows and the assignment's rule to points. Pure. Places do not matter: equal results get equal points.

Each part is rounded to a hundredth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.records.board import Points, PointsPart, Row, Status, Versus
from harness.records.check import Outcome
from harness.records.framework import Framework
from harness.tasks.assignment import PointsRule

Share = tuple[float, str]
"""How much of a part is earned, from 0 to 1, and for what."""

References = Mapping[Framework | None, float]
"""Accuracy of each reference."""


def with_points(rows: Sequence[Row], rule: PointsRule | None) -> tuple[Row, ...]:
    """The same rows with their points. References have none, nor do rows for which the harness has no result yet."""
    if rule is None:
        return tuple(rows)
    references = {row.framework: row.accuracy for row in rows if row.is_reference and row.accuracy is not None}
    return tuple(replace(row, points=points_of(row, rule, references)) for row in rows)


def points_of(row: Row, rule: PointsRule, references: References) -> Points | None:
    """The points of one row; None for those that have none, or none yet."""
    if row.is_reference or row.status is Status.ERRORED:
        return None
    shares = {
        "imports": _imports(row),
        "shapes": _shapes(row),
        "parameters": _parameters(row),
        "claims": _claims(row),
        "accuracy": _accuracy(row, rule, references),
        "bonus": _bonus(row),
    }
    parts: list[PointsPart] = []
    for name, possible in rule.parts.items():
        share = shares[name]
        if share is None:
            return None
        parts.append(PointsPart(name, round(share[0] * possible, 2), possible, share[1]))
    total = sum(part.earned for part in parts)
    return Points(round(total if rule.cap is None else min(total, rule.cap), 2), rule.possible, tuple(parts))


def _is_built(row: Row) -> bool:
    return bool(row.fingerprint)


_NOT_BUILT: Share = (0.0, "no model to examine")


def _imports(row: Row) -> Share:
    return (1.0, "a model was built") if _is_built(row) else _NOT_BUILT


def _shapes(row: Row) -> Share:
    """The share of correct reference layers; a layer that the reference does not have counts as a wrong one."""
    if not _is_built(row):
        return _NOT_BUILT
    outcomes = [check.outcome for check in row.checks if check.id == "layer"]
    if not outcomes:
        return 1.0, "own design: no layers required"
    right, extra = outcomes.count(Outcome.PASSED), sum(check.id == "extra" for check in row.checks)
    more = f", and {extra} that the reference does not have" if extra else ""
    return right / (len(outcomes) + extra), f"{right} of {len(outcomes)} layers are correct{more}"


def _parameters(row: Row) -> Share:
    """The reference's total, and the assignment's limit, where these are required."""
    if not _is_built(row):
        return _NOT_BUILT
    asked = [check for check in row.checks if check.id in ("parameters", "size")]
    wrong = [check for check in asked if check.outcome is Outcome.FAILED]
    if wrong:
        return 0.0, f"{wrong[0].found}, expected {wrong[0].expected}"
    return 1.0, f"{row.parameters or 0:,}" if asked else "own design: no number required"


def _claims(row: Row) -> Share:
    if not _is_built(row):
        return _NOT_BUILT
    asked = {at for at, layer in enumerate(row.layers) if layer.size}
    if not row.claims:
        unread = any(check.id == "claims" for check in row.checks)
        return 0.0, "PARAMETERS cannot be read" if unread else "no PARAMETERS in the file"
    wrong = [claim for claim in row.claims if not claim.is_right]
    known = {at for claim in row.claims if claim.is_right for at in claim.covers}
    right = (asked & known) - {at for claim in wrong for at in claim.covers}
    beside = sum(not asked.intersection(claim.covers) for claim in wrong)
    more = f", and {beside} other claim{'s' * (beside > 1)} wrong" if beside else ""
    return len(right) / max(len(asked) + beside, 1), f"claims are right for {len(right)} of {len(asked)} layers{more}"


def _accuracy(row: Row, rule: PointsRule, references: References) -> Share | None:
    """None where there is no reference to compare with, which is not the submission's fault."""
    if row.accuracy is None:
        return 0.0, "failed: not trained, or not counted"
    if rule.accuracy_against == "scale":
        return between(row.accuracy, rule), f"{100 * row.accuracy:.2f} %"
    best = _best_difference(row, rule, references)
    return None if best is None else (between(best, rule), f"{100 * best:+.2f} % vs. the reference at best")


def _best_difference(row: Row, rule: PointsRule, references: References) -> float | None:
    """The upper bound of the difference from the reference; with one seed, that of its own accuracy minus the
    reference's.

    The benefit of the doubt is at most half the scale: if a seed goes wrong, the interval is so wide that its bound
    means nothing.
    """
    if row.reference_difference is not None:
        value, high = row.reference_difference.value, row.reference_difference.high
    else:
        reference = references.get(row.framework, next(iter(references.values()), None))
        if reference is None or row.accuracy is None or row.accuracy_high is None:
            return None
        value, high = row.accuracy - reference, row.accuracy_high - reference
    return min(high, value + (rule.accuracy_full - rule.accuracy_none) / 2)


def between(value: float, rule: PointsRule) -> float:
    """Share of the points for accuracy: 0 up to the lower cut-off, 1 from the upper one on, linear in between."""
    share = (value - rule.accuracy_none) / (rule.accuracy_full - rule.accuracy_none)
    return min(max(share, 0.0), 1.0)


def _bonus(row: Row) -> Share:
    if row.versus_reference is Versus.BETTER:
        return 1.0, "better than the reference"
    told = f"{row.versus_reference}" if row.versus_reference else "nothing to compare"
    return 0.0, told if row.accuracy is not None else "not trained, or not counted"
