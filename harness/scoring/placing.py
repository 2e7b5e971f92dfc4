"""Places among the ranked rows of a board, and how each compares with the reference. Pure.

Submissions with identical runs are one model: it is compared once, and they share its place. Counted several times, it
would be evidence for itself, and the correction for multiple comparisons would count comparisons that were not made.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.records.board import Difference, Pair, Row, Versus
from harness.scoring.ranking import Differences, Pairs, differences, place_ranges, smallest_difference
from harness.scoring.score import Correct

_MOST_IN_PAIRS = 60
"""With more submissions than this, a table of all pairs is too large to read."""
_VERSUS = {1: Versus.BETTER, 0: Versus.UNCLEAR, -1: Versus.WORSE}
_NO_DIFFERENCE = Difference(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Ranked:
    """A ranked row by its position, the number of its model (twins share one), and which images that classifies
    correctly."""

    position: int
    model: int
    correct: Correct


def placed(rows: Sequence[Row], ranked: Sequence[Ranked]) -> tuple[list[Row], float | None, tuple[Pair, ...]]:
    """The rows with their places, the smallest clear difference, and every pair; references have no places.

    Models are numbered from 0 without gaps.
    """
    competing = [one for one in ranked if not rows[one.position].is_reference]
    if not competing:
        return list(rows), None, ()
    found = differences([one.correct for one in {one.model: one for one in ranked}.values()])
    models = list(dict.fromkeys(one.model for one in competing))
    pairs, index = found.among(models), {model: at for at, model in enumerate(models)}
    counts = np.bincount([index[one.model] for one in competing])
    places, versus = place_ranges(pairs, counts), _versus(rows, ranked, found)
    told = list(rows)
    for one in competing:
        place = places[index[one.model]]
        more = versus.get(one.position, {})
        told[one.position] = replace(rows[one.position], place_low=place.low, place_high=place.high, **more)
    return told, smallest_difference(pairs), _pairs(pairs, [(one.position, index[one.model]) for one in competing])


def _pairs(found: Pairs, competing: Sequence[tuple[int, int]]) -> tuple[Pair, ...]:
    """All pairs of competing rows, each row given by its position and its model."""
    if len(competing) > _MOST_IN_PAIRS:
        return ()
    every = itertools.combinations(competing, 2)
    return tuple(
        Pair(first, second, _NO_DIFFERENCE, False) if a == b
        else Pair(first, second, found.of(a, b), found.differ(a, b))
        for (first, a), (second, b) in every
    )  # fmt: skip


def _versus(rows: Sequence[Row], ranked: Sequence[Ranked], found: Differences) -> dict[int, dict[str, Any]]:
    """Each submission against the reference of its own framework, or else against any reference; by its position."""
    references = {rows[one.position].framework: one.model for one in ranked if rows[one.position].is_reference}
    if not references:
        return {}
    usual = next(iter(references.values()))
    competing = [one for one in ranked if not rows[one.position].is_reference]
    asked = {one.position: (one.model, references.get(rows[one.position].framework, usual)) for one in competing}
    pairs = [pair for pair in dict.fromkeys(asked.values()) if pair[0] != pair[1]]
    signs = dict(zip(pairs, found.against(pairs), strict=True))
    return {position: _compared(found, pair, signs.get(pair, 0)) for position, pair in asked.items()}


def _compared(found: Differences, pair: tuple[int, int], sign: int) -> dict[str, Any]:
    difference = found.of(*pair) if pair[0] != pair[1] else _NO_DIFFERENCE
    return {"versus_reference": _VERSUS[sign], "reference_difference": difference}
