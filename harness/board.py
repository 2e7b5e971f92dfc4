"""From verdicts, runs and test labels to the rows of a board, in board order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.assignment import Findings
from harness.findings import decided, of_runs, under_policy
from harness.ranking import Differences, differences, place_ranges, smallest_difference
from harness.records import Check, Outcome, Row, RunResult, RunStatus, Status, Verdict, Versus
from harness.score import Correct, correctness, score

_ORDER = {Status.RANKED: 0, Status.PROVISIONAL: 0, Status.FAILED: 1, Status.ERRORED: 2}


@dataclass(frozen=True)
class Entry:
    """One submission of a board: its verdict and the keys of its runs, one for each seed (none if it failed)."""

    verdict: Verdict
    run_keys: tuple[str, ...]
    is_reference: bool = False


@dataclass(frozen=True)
class Standing:
    """The rows of a board in order, and the smallest difference in accuracy that it can tell."""

    rows: tuple[Row, ...]
    smallest_difference: float | None


def standing(
    entries: Sequence[Entry],
    runs: Mapping[str, RunResult],
    labels: npt.NDArray[np.uint8],
    seeds: int,
    policy: Findings,
) -> Standing:
    """Every row in board order: ranked or provisional by accuracy, then failed, then errored, by name."""
    found = [[runs.get(key) for key in entry.run_keys] for entry in entries]
    unplaced = [_row(entry, own, labels, seeds, policy) for entry, own in zip(entries, found, strict=True)]
    twins = [replace(row, same_as=_twins(entry, entries)) for row, entry in zip(unplaced, entries, strict=True)]
    ranked = {i: _correct(found[i], labels, seeds) for i, row in enumerate(twins) if row.status is Status.RANKED}
    placed, smallest = _with_places(twins, ranked)
    order = sorted(placed, key=lambda row: (_ORDER[row.status], -(row.accuracy or 0.0), row.submission))
    return Standing(tuple(order), smallest)


def _correct(runs: Sequence[RunResult | None], labels: npt.NDArray[np.uint8], seeds: int) -> Correct:
    return correctness([run.predictions for run in runs if run is not None], labels, seeds)


def _row(
    entry: Entry, runs: Sequence[RunResult | None], labels: npt.NDArray[np.uint8], seeds: int, policy: Findings
) -> Row:
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


def _scored(row: Row, runs: Sequence[RunResult | None], labels: npt.NDArray[np.uint8], seeds: int) -> Row:
    """A trained submission. Seeds that ended badly count as all wrong; a seed that is not there makes it ours."""
    there = [run for run in runs if run is not None]
    crashed = [run for run in there if run.status is RunStatus.CRASHED]
    if crashed or len(there) < seeds:
        reason = f"training crashed: {crashed[0].reason}" if crashed else "not all runs are done: grade again"
        return replace(row, status=Status.ERRORED, reason=reason, seeds_done=_done(there))
    result = score(_correct(there, labels, seeds))
    row = replace(
        row,
        accuracy=result.accuracy,
        accuracy_low=result.low,
        accuracy_high=result.high,
        errors_per_10000=result.errors_per_10000,
        seed_accuracies=result.seed_accuracies,
        seeds_done=_done(there),
        seconds=sum(run.seconds for run in there),
        curves=tuple(run.curve for run in there),
    )
    return _with_status(row, there)


def _done(runs: Sequence[RunResult]) -> int:
    return sum(run.status is RunStatus.DONE for run in runs)


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


def _twins(entry: Entry, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Other submissions with the very same runs: the same graph and the same initial weights."""
    if not entry.run_keys:
        return ()
    return tuple(
        other.verdict.submission for other in entries if other is not entry and other.run_keys == entry.run_keys
    )


def _with_places(rows: Sequence[Row], ranked: Mapping[int, Correct]) -> tuple[list[Row], float | None]:
    """Places among ranked submissions, and how each compares with the reference; reference rows have neither.

    `ranked` has the correctness of the ranked rows, by their index.
    """
    order = list(ranked)
    competing = [at for at, index in enumerate(order) if not rows[index].is_reference]
    placed = list(rows)
    if not competing:
        return placed, None
    found = differences([ranked[index] for index in order])
    pairs = found.among(competing)
    versus = _versus([rows[index] for index in order], found)
    for at, place in zip(competing, place_ranges(pairs), strict=True):
        row = rows[order[at]]
        placed[order[at]] = replace(row, place_low=place.low, place_high=place.high, versus_reference=versus.get(at))
    return placed, smallest_difference(pairs)


_VERSUS = {1: Versus.BETTER, 0: Versus.TIED, -1: Versus.WORSE}


def _versus(rows: Sequence[Row], found: Differences) -> dict[int, Versus]:
    """Each submission against the reference of its own framework, or else against the one there is; by its index."""
    references = {row.framework: at for at, row in enumerate(rows) if row.is_reference}
    if not references:
        return {}
    any_reference = next(iter(references.values()))
    pairs = [(at, references.get(row.framework, any_reference)) for at, row in enumerate(rows) if not row.is_reference]
    return {at: _VERSUS[sign] for (at, _), sign in zip(pairs, found.against(pairs), strict=True)}
