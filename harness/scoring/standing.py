"""From verdicts, runs and test labels to the rows of a board, in board order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.records.board import Confusion, Digit, Pair, Row, SeedRun, Status
from harness.records.check import Check, Outcome
from harness.records.checks import Findings
from harness.records.engine import Engine
from harness.records.flaws import damaged, flaw_of
from harness.records.inputs import OUTPUTS, OUTPUTS_ADVICE, OUTPUTS_EXPECTED
from harness.records.run import RunResult, RunStatus
from harness.records.verdict import Verdict
from harness.scoring.findings import decided, of_runs, under_policy
from harness.scoring.mistakes import Classes, classes_of, confusion, hardest, right_counts, summed, surprises
from harness.scoring.placing import Ranked, placed
from harness.scoring.score import correctness, score

Labels = npt.NDArray[np.uint8]
_TEXT_LIMIT = 300
_MOST_TWINS = 20
"""A row names no more twins than this: in a class of identical models, every row would name every other."""


@dataclass(frozen=True)
class Entrant:
    """One submission of a board: its verdict and the keys of its runs, one for each seed (none if it failed).

    `distrust` is why its framework trained it and not the compiled engine, which covers it; `cross_key` is the key of a
    run of seed 0 by the framework, if one is to be compared with that of the engine.
    """

    verdict: Verdict
    run_keys: tuple[str, ...]
    is_reference: bool = False
    distrust: str = ""
    cross_key: str = ""


@dataclass(frozen=True)
class Standing:
    """The rows of a board in order, and the results for all of them together; the fields are those of `Board`."""

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
    """A row in progress, with its models' predictions on the test images: none where it has no accuracy."""

    row: Row
    predictions: tuple[bytes, ...] = ()
    run_keys: tuple[str, ...] = ()


def standing(
    entries: Sequence[Entrant],
    runs: Mapping[str, RunResult],
    labels: Labels,
    seeds: int,
    policy: Findings,
) -> Standing:
    """Every row in board order: ranked or provisional by accuracy, then failed, then errored, by name.

    An invalid run, and anything that scoring one submission raises, affects only that submission's row.
    """
    possible = {key: _possible(run, len(labels)) for key, run in runs.items()}
    found = [_tested(entry, [possible.get(key) for key in entry.run_keys], labels, seeds, policy) for entry in entries]
    found = [_compared(t, possible.get(e.cross_key), labels) for t, e in zip(found, entries, strict=True)]
    order = sorted(found, key=lambda tested: tested.row.position)
    rows = _with_twins([t.row for t in order], [t.run_keys for t in order])
    rows, smallest, pairs = placed(rows, _ranked(order, labels, seeds))
    rows, overall, hard = _with_mistakes(rows, [classes_of(t.predictions, len(labels)) for t in order], labels)
    return Standing(tuple(rows), smallest, pairs, overall, hard)


def _ranked(tested: Sequence[_Tested], labels: Labels, seeds: int) -> list[Ranked]:
    """Which images each ranked row classifies correctly; twins share what was trained once."""
    ranked = [(i, t) for i, t in enumerate(tested) if t.row.status is Status.RANKED]
    models = {t.run_keys: t.predictions for _, t in ranked}
    correct = {keys: correctness(predictions, labels, seeds) for keys, predictions in models.items()}
    number = {keys: model for model, keys in enumerate(models)}
    return [Ranked(i, number[t.run_keys], correct[t.run_keys]) for i, t in ranked]


def _possible(run: RunResult, images: int) -> RunResult:
    flaw = flaw_of(run, images)
    return damaged(run.key, run.seed, flaw) if flaw else run


def _tested(entry: Entrant, runs: Sequence[RunResult | None], labels: Labels, seeds: int, policy: Findings) -> _Tested:
    try:
        row = _row(entry, runs, labels, seeds, policy)
    except Exception as error:  # a stored verdict may contain anything
        return _Tested(_unscored(entry, error))
    if row.accuracy is None:
        return _Tested(row, run_keys=entry.run_keys)
    return _Tested(row, tuple(run.predictions for run in runs if run is not None), entry.run_keys)


def _compared(tested: _Tested, cross: RunResult | None, labels: Labels) -> _Tested:
    """The row with the accuracy of its model in the framework, if it was trained there too."""
    if cross is None or cross.status is not RunStatus.DONE:
        return tested
    accuracy = float((np.frombuffer(cross.predictions, np.uint8) == labels).mean())
    return replace(tested, row=replace(tested.row, cross_accuracy=accuracy))


def _engine(runs: Sequence[RunResult]) -> Engine | None:
    """What trained these runs, if they say."""
    told = {str(run.environment.get("engine", "")) for run in runs if run.environment}
    return next((engine for engine in Engine if told == {str(engine)}), None)


def _unscored(entry: Entrant, error: Exception) -> Row:
    found = f"{type(error).__name__}: {error}"[:_TEXT_LIMIT]
    check = Check("harness", Outcome.ERRORED, "a result that can be scored", found, "run `harness grade` again")
    reason = f"the stored result cannot be scored: {found}"
    name, framework = str(entry.verdict.submission), entry.verdict.framework
    return Row(name, framework, Status.ERRORED, reason, is_reference=entry.is_reference, checks=(check,))


def _row(entry: Entrant, runs: Sequence[RunResult | None], labels: Labels, seeds: int, policy: Findings) -> Row:
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
        distrust=entry.distrust,
    )
    if verdict.outcome is not Outcome.PASSED:
        status = Status.FAILED if verdict.outcome is Outcome.FAILED else Status.ERRORED
        return replace(row, status=status, reason=_reason(verdict))
    found = of_runs(verdict, [run for run in runs if run is not None])
    if found:
        row = replace(row, checks=(*row.checks, *decided(found, policy)))
    return _scored(row, runs, labels, seeds)


def _reason(verdict: Verdict) -> str:
    """What we could not examine, or the one check that failed, or how many did and which to fix first."""
    wrong = [check for check in verdict.checks if check.outcome is verdict.outcome]
    if len(wrong) == 1 or verdict.outcome is Outcome.ERRORED:
        return f"{wrong[0].name}: {wrong[0].found}"
    return f"{len(wrong)} checks failed: fix {wrong[0].name} first"


def _scored(row: Row, runs: Sequence[RunResult | None], labels: Labels, seeds: int) -> Row:
    """A trained submission. Failed seeds count as all wrong; a missing seed is our fault."""
    there = [run for run in runs if run is not None]
    result = score(correctness([run.predictions for run in there], labels, seeds))
    row = replace(row, engine=_engine(there))
    trained = tuple(map(_seed_run, there, result.seed_accuracies))
    lost = next((_LOST[run.status] + run.reason for run in there if run.status in _LOST), "")
    if lost or len(there) < seeds:
        return replace(row, runs=trained, status=Status.ERRORED, reason=lost or "not all runs are done: grade again")
    row = replace(
        row,
        runs=trained,
        accuracy=result.accuracy,
        accuracy_low=result.low,
        accuracy_high=result.high,
        errors_per_10000=result.errors_per_10000,
    )
    return _with_status(row, there)


_LOST = {RunStatus.CRASHED: "training crashed: ", RunStatus.DAMAGED: "grade again: "}
"""Endings that are the harness's fault, with the text before their reason."""


def _seed_run(run: RunResult, accuracy: float) -> SeedRun:
    return SeedRun(run.seed, run.status, accuracy, run.reason, run.seconds, run.peak_memory, run.curve)


def _with_status(row: Row, runs: Sequence[RunResult]) -> Row:
    ended = [f"seed {run.seed} {run.status}: {run.reason}" for run in runs if run.status is not RunStatus.DONE]
    reason = "; ".join(ended)
    refused = [run.reason for run in runs if run.status is RunStatus.REFUSED]
    stopped = any(run.status in (RunStatus.TIMED_OUT, RunStatus.OUT_OF_MEMORY) for run in runs)
    failing = [f"{check.name}: {check.found}" for check in row.checks if check.outcome is Outcome.FAILED]
    if refused:
        row = replace(row, checks=(*row.checks, _outputs_check(refused[0])))
        failing = [f"{OUTPUTS}: {refused[0]}"]
    elif row.seeds_done == 0 or stopped:
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
    advice = "check the last operations of the model: scale, activation and output must keep the loss finite"
    return Check("training", Outcome.FAILED, "a loss that stays finite within the limits", found, advice)


def _outputs_check(found: str) -> Check:
    return Check(OUTPUTS, Outcome.FAILED, OUTPUTS_EXPECTED, found, OUTPUTS_ADVICE)


def _with_twins(rows: Sequence[Row], run_keys: Sequence[tuple[str, ...]]) -> list[Row]:
    """Each row with those that have identical runs: the same graph and the same initial weights."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for row, keys in zip(rows, run_keys, strict=True):
        groups.setdefault(keys, []).append(row.submission)
    groups = {keys: names for keys, names in groups.items() if keys and len(names) > 1}
    number = {keys: at for at, keys in enumerate(groups)}
    told = []
    for row, keys in zip(rows, run_keys, strict=True):
        others = [name for name in groups.get(keys, [])[: _MOST_TWINS + 1] if name != row.submission][:_MOST_TWINS]
        told.append(replace(row, same_as=tuple(others), twin_group=number.get(keys)))
    return told


def _with_mistakes(
    rows: Sequence[Row], classes: Sequence[Classes], labels: Labels
) -> tuple[list[Row], Confusion, tuple[Digit, ...]]:
    """Confusion and surprises of each row; confusion and hardest images of all submissions except the references."""
    right = [right_counts(own, labels) for own in classes]
    total, models = sum(right, np.zeros(len(labels))), sum(map(len, classes))
    told = []
    for row, own, own_right in zip(rows, classes, right, strict=True):
        others = (total - own_right) / max(models - len(own), 1)
        told.append(replace(row, confusion=confusion(own, labels), surprises=surprises(own, others, labels)))
    competing = [own for row, own in zip(told, classes, strict=True) if not row.is_reference]
    every = np.concatenate([*competing, np.empty((0, len(labels)), np.uint8)])
    return told, summed([row.confusion for row in told if not row.is_reference]), hardest(every, labels)
