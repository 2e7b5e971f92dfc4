"""From verdicts, runs and test labels to the rows of a board, in board order. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.assignment import Findings
from harness.findings import decided, of_runs, under_policy
from harness.mistakes import Classes, classes_of, confusion, hardest, summed, surprises
from harness.ranking import Differences, Pairs, differences, place_ranges, smallest_difference
from harness.records import Check, Outcome, RunResult, RunStatus, Verdict
from harness.results import Confusion, Digit, Pair, Row, SeedRun, Status, Versus
from harness.score import Correct, correctness, score

Labels = npt.NDArray[np.uint8]
_MOST_IN_PAIRS = 60
"""A table of all pairs is for reading: nobody reads one of more submissions than this."""


@dataclass(frozen=True)
class Entry:
    """One submission of a board: its verdict and the keys of its runs, one for each seed (none if it failed)."""

    verdict: Verdict
    run_keys: tuple[str, ...]
    is_reference: bool = False


@dataclass(frozen=True)
class Standing:
    """The rows of a board in order, and what follows from all of them together; the fields are those of `Board`."""

    rows: tuple[Row, ...]
    smallest_difference: float | None = None
    pairs: tuple[Pair, ...] = ()
    confusion: Confusion = ()
    hardest: tuple[Digit, ...] = ()

    def digits(self) -> set[int]:
        """Indices of the test images to be shown."""
        return {digit.index for digit in (*self.hardest, *(d for row in self.rows for d in row.surprises))}


@dataclass(frozen=True)
class _Tested:
    """A row on its way, with the answers of its models on the test images: none where it has no accuracy."""

    row: Row
    predictions: tuple[bytes, ...] = ()


def standing(
    entries: Sequence[Entry],
    runs: Mapping[str, RunResult],
    labels: Labels,
    seeds: int,
    policy: Findings,
) -> Standing:
    """Every row in board order: ranked or provisional by accuracy, then failed, then errored, by name."""
    found = [_tested(entry, [runs.get(key) for key in entry.run_keys], labels, seeds, policy) for entry in entries]
    twins = [replace(t, row=replace(t.row, same_as=same)) for t, same in zip(found, _twins(entries), strict=True)]
    order = sorted(twins, key=lambda tested: tested.row.position)
    rows, smallest, pairs = _placed([t.row for t in order], _ranked(order, labels, seeds))
    rows, overall, hard = _with_mistakes(rows, [classes_of(t.predictions, len(labels)) for t in order], labels)
    return Standing(tuple(rows), smallest, pairs, overall, hard)


def _ranked(tested: Sequence[_Tested], labels: Labels, seeds: int) -> dict[int, Correct]:
    """Which images each ranked row classifies rightly, by the row's position."""
    ranked = {i: t.predictions for i, t in enumerate(tested) if t.row.status is Status.RANKED}
    return {i: correctness(predictions, labels, seeds) for i, predictions in ranked.items()}


def _tested(entry: Entry, runs: Sequence[RunResult | None], labels: Labels, seeds: int, policy: Findings) -> _Tested:
    row = _row(entry, runs, labels, seeds, policy)
    if row.accuracy is None:
        return _Tested(row)
    return _Tested(row, tuple(run.predictions for run in runs if run is not None))


def _row(entry: Entry, runs: Sequence[RunResult | None], labels: Labels, seeds: int, policy: Findings) -> Row:
    verdict = under_policy(entry.verdict, policy)
    row = Row(
        submission=verdict.submission,
        framework=verdict.framework,
        status=Status.ERRORED,
        is_reference=entry.is_reference,
        matches_reference=verdict.matches_reference,
        parameters=verdict.parameters,
        macs=verdict.macs,
        seeds_asked=seeds,
        fingerprint=verdict.fingerprint,
        entry=verdict.entry,
        input_form=verdict.input_form,
        output_kind=verdict.output_kind,
        layers=verdict.layers,
        checks=verdict.checks,
        claims=verdict.claims,
    )
    if verdict.outcome is not Outcome.PASSED:
        status = Status.FAILED if verdict.outcome is Outcome.FAILED else Status.ERRORED
        return replace(row, status=status, reason=_reason(verdict))
    found = of_runs(verdict, [run for run in runs if run is not None])
    row = replace(row, checks=(*row.checks, *decided(found, policy)))
    return _scored(row, runs, labels, seeds)


def _reason(verdict: Verdict) -> str:
    """What we could not look at, or the one check that failed, or how many did and which to mend first."""
    wrong = [check for check in verdict.checks if check.outcome is verdict.outcome]
    if len(wrong) == 1 or verdict.outcome is Outcome.ERRORED:
        return f"{wrong[0].name}: {wrong[0].found}"
    return f"{len(wrong)} checks failed: mend {wrong[0].name} first"


def _scored(row: Row, runs: Sequence[RunResult | None], labels: Labels, seeds: int) -> Row:
    """A trained submission. Seeds that ended badly count as all wrong; a seed that is not there makes it ours."""
    there = [run for run in runs if run is not None]
    result = score(correctness([run.predictions for run in there], labels, seeds))
    row = replace(row, runs=tuple(map(_seed_run, there, result.seed_accuracies)))
    crashed = [run for run in there if run.status is RunStatus.CRASHED]
    if crashed or len(there) < seeds:
        reason = f"training crashed: {crashed[0].reason}" if crashed else "not all runs are done: grade again"
        return replace(row, status=Status.ERRORED, reason=reason)
    row = replace(
        row,
        accuracy=result.accuracy,
        accuracy_low=result.low,
        accuracy_high=result.high,
        errors_per_10000=result.errors_per_10000,
    )
    return _with_status(row, there)


def _seed_run(run: RunResult, accuracy: float) -> SeedRun:
    return SeedRun(run.seed, run.status, accuracy, run.reason, run.seconds, run.peak_memory, run.curve)


def _with_status(row: Row, runs: Sequence[RunResult]) -> Row:
    ended = [f"seed {run.seed} {run.status}: {run.reason}" for run in runs if run.status is not RunStatus.DONE]
    reason = "; ".join(ended)
    stopped = any(run.status in (RunStatus.TIMED_OUT, RunStatus.OUT_OF_MEMORY) for run in runs)
    failing = [f"{check.name}: {check.found}" for check in row.checks if check.outcome is Outcome.FAILED]
    if row.seeds_done == 0 or stopped:
        row = replace(row, checks=(*row.checks, _training_check(reason)))
        failing = [reason, *failing]
    if failing:
        return replace(
            row, status=Status.FAILED, reason="; ".join(failing), accuracy=None, accuracy_low=None, accuracy_high=None,
            errors_per_10000=None,
        )  # fmt: skip
    if row.seeds_asked == 1:
        return replace(row, status=Status.PROVISIONAL, reason="one seed only")
    return replace(row, status=Status.RANKED, reason=reason)


def _training_check(found: str) -> Check:
    advice = "look at the last operations of the model: scale, activation and output must keep the loss finite"
    return Check("training", Outcome.FAILED, "a loss that stays finite within the limits", found, advice)


def _twins(entries: Sequence[Entry]) -> list[tuple[str, ...]]:
    """Of each submission, the others with the very same runs: the same graph and the same initial weights."""
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.run_keys, []).append(entry)
    same = [groups[entry.run_keys] if entry.run_keys else [] for entry in entries]
    return [
        tuple(other.verdict.submission for other in group if other is not entry)
        for entry, group in zip(entries, same, strict=True)
    ]


def _placed(rows: Sequence[Row], ranked: Mapping[int, Correct]) -> tuple[list[Row], float | None, tuple[Pair, ...]]:
    """Places among ranked submissions, and how each compares with the reference; reference rows have neither.

    `ranked` has the correctness of the ranked rows, by their position.
    """
    order = list(ranked)
    competing = [at for at, position in enumerate(order) if not rows[position].is_reference]
    placed = list(rows)
    if not competing:
        return placed, None, ()
    found = differences([ranked[position] for position in order])
    pairs = found.among(competing)
    versus = _versus([rows[position] for position in order], found)
    for at, place in zip(competing, place_ranges(pairs), strict=True):
        row = replace(rows[order[at]], place_low=place.low, place_high=place.high)
        placed[order[at]] = replace(row, **versus.get(at, {}))
    return placed, smallest_difference(pairs), _pairs(pairs, [order[at] for at in competing])


def _pairs(found: Pairs, positions: Sequence[int]) -> tuple[Pair, ...]:
    if len(positions) > _MOST_IN_PAIRS:
        return ()
    every = itertools.combinations(range(len(positions)), 2)
    return tuple(Pair(positions[a], positions[b], found.of(a, b), found.told_apart(a, b)) for a, b in every)


_VERSUS = {1: Versus.BETTER, 0: Versus.TIED, -1: Versus.WORSE}


def _versus(rows: Sequence[Row], found: Differences) -> dict[int, dict[str, Any]]:
    """Each submission against the reference of its own framework, or else against the one there is; by its index."""
    references = {row.framework: at for at, row in enumerate(rows) if row.is_reference}
    if not references:
        return {}
    any_reference = next(iter(references.values()))
    pairs = [(at, references.get(row.framework, any_reference)) for at, row in enumerate(rows) if not row.is_reference]
    signs = found.against(pairs)
    return {
        at: {"versus_reference": _VERSUS[sign], "reference_difference": found.of(at, other)}
        for (at, other), sign in zip(pairs, signs, strict=True)
    }


def _with_mistakes(
    rows: Sequence[Row], classes: Sequence[Classes], labels: Labels
) -> tuple[list[Row], Confusion, tuple[Digit, ...]]:
    """Confusion and surprises of each row; confusion and hardest images of all submissions but the references."""
    right = [np.count_nonzero(own == labels, axis=0) for own in classes]
    total, models = np.sum(right, axis=0), sum(map(len, classes))
    told = []
    for row, own, own_right in zip(rows, classes, right, strict=True):
        others = (total - own_right) / max(models - len(own), 1)
        told.append(replace(row, confusion=confusion(own, labels), surprises=surprises(own, others, labels)))
    competing = [own for row, own in zip(told, classes, strict=True) if not row.is_reference]
    every = np.concatenate([*competing, np.empty((0, len(labels)), np.uint8)])
    return told, summed([row.confusion for row in told if not row.is_reference]), hardest(every, labels)
