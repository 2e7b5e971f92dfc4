"""The one loop of every command that trains: takes candidates, and yields the current results each time one is done.

Where the framework does not confirm what the compiled engine trained, another round follows in which it trains itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from harness.experiments.candidates import Bench, Candidate, Work
from harness.experiments.proving import proved
from harness.experiments.stages import (
    built_for_training,
    examine_all,
    is_complete,
    models_elsewhere,
    train_all,
    work_to_do,
)
from harness.experiments.training import STORED
from harness.records.engine import Engine
from harness.records.run import RunResult
from harness.records.submission import Rejected
from harness.storage.models import Trained


def examine_and_train(
    candidates: Sequence[Candidate], bench: Bench, order: Callable[[Work], Any] | None = None
) -> Iterator[Results]:
    """Examine and train what the store does not have yet, runs in this order or as they come.

    Yields the current results before the first run, and after each candidate that is done; at least once.
    """
    bench.shelf.sweep()
    examined = built_for_training(examine_all(candidates, bench), bench)
    examined = [_without_sources(candidate) for candidate in proved(examined, bench)]
    todo, crashed = {c.key for c in examined if c.wanted}, list[RunResult]()
    while True:
        works = work_to_do([candidate for candidate in examined if candidate.key in todo], bench)
        works = sorted(works, key=order) if order else works
        results = Results(examined, works, bench, crashed)
        yield from _trained(results, works, bench)
        todo, crashed = results.fallen(), results.crashed()
        if not todo:
            return
        examined = [bench.planned_again(candidate) for candidate in examined]


def _trained(results: Results, works: Sequence[Work], bench: Bench) -> Iterator[Results]:
    """One round: the results before the first run, and after each candidate that is done."""
    for candidate in results.candidates:
        if candidate.wanted and results.is_done(candidate):
            _settle(candidate, results, bench)
    yield results
    for run in train_all(works, bench):
        done = results.note(run)
        for candidate in done:
            _settle(candidate, results, bench)
        if done:
            yield results


def _without_sources(candidate: Candidate) -> Candidate:
    """Nothing is built after this: sources need not be held during training."""
    if isinstance(candidate.found, Rejected):
        return candidate
    return replace(candidate, found=replace(candidate.found, files=()))


def _settle(candidate: Candidate, results: Results, bench: Bench) -> None:
    """A candidate without waiting runs no longer needs its artifact, except to be trained again after a crash."""
    _share_models(candidate, bench)
    if not results.has_crashed(candidate):
        bench.shelf.drop(candidate.key)


def _share_models(candidate: Candidate, bench: Bench) -> None:
    """Twins were trained once: each gets the model under its own name."""
    for seed in models_elsewhere(candidate, bench):
        if bench.models is not None and bench.shelf.has(candidate.key):
            artifact = bench.shelf.take(candidate.key)
            bench.models.share(Trained(candidate.found.name, artifact, seed, candidate.run_keys[seed]))


class Results:
    """The current results of one command's candidates; `candidates` are in the order given.

    Crashed runs are only kept here, because they are not stored.
    """

    def __init__(
        self, candidates: Sequence[Candidate], works: Iterable[Work], bench: Bench, crashed: Iterable[RunResult] = ()
    ) -> None:
        self.candidates = tuple(candidates)
        self._store, self._bench = bench.store, bench
        self._shown = {c.key for c in candidates if c.wanted or is_complete(c, bench)}
        self._crashed = {run.key: run for run in crashed}
        self._waiting: dict[str, set[str]] = {}
        self._of_run: dict[str, list[Candidate]] = {work.run.key: [] for work in works}
        for candidate in candidates:
            waiting = {key for key in candidate.seeds_by_key if key in self._of_run and candidate.wanted}
            self._waiting[candidate.key] = waiting
            for key in waiting:
                self._of_run[key].append(candidate)

    def note(self, run: RunResult) -> list[Candidate]:
        """A run has ended: the candidates that are done by that."""
        if run.status not in STORED:
            self._crashed[run.key] = run
        for candidate in self._of_run[run.key]:
            self._waiting[candidate.key].discard(run.key)
        return [candidate for candidate in self._of_run[run.key] if self.is_done(candidate)]

    def is_done(self, candidate: Candidate) -> bool:
        """Whether no run of a candidate is waiting, and its framework agrees with what the engine trained."""
        return not self._waiting[candidate.key] and not self._falls(candidate)

    def fallen(self) -> set[str]:
        """The keys of candidates that the engine trained and their framework is to train again."""
        return {candidate.key for candidate in self.candidates if self._falls(candidate)}

    def _falls(self, candidate: Candidate) -> bool:
        """Whether the framework did not confirm what the engine trained from its first seed."""
        if not candidate.wanted or candidate.engine is not Engine.COMPILED or not candidate.run_keys:
            return False
        return bool(self._bench.proofs.failure(candidate.run_keys[0]))

    def is_waiting(self) -> bool:
        """Whether any candidate has runs that have not ended."""
        return any(self._waiting.values())

    def is_shown(self, candidate: Candidate) -> bool:
        """Whether there is, or will be, something to show for a candidate."""
        return candidate.key in self._shown

    def has_crashed(self, candidate: Candidate) -> bool:
        """Whether a run of a candidate crashed in this command."""
        return not self._crashed.keys().isdisjoint(candidate.seeds_by_key)

    def crashed(self) -> list[RunResult]:
        """The runs that crashed in this command."""
        return list(self._crashed.values())

    def runs(self, candidate: Candidate) -> dict[str, RunResult]:
        """The runs of a candidate that have ended, by their keys."""
        keys = candidate.run_keys
        return self._store.runs(keys) | {key: self._crashed[key] for key in keys if key in self._crashed}

    def crossed(self, candidate: Candidate) -> dict[str, RunResult]:
        """The run of a candidate for comparison, by its key, if there is one."""
        return self._store.runs([candidate.cross_key]) if candidate.cross_key else {}


def environment_of(runs: Iterable[RunResult]) -> dict[str, str]:
    """Every version and processor used in these runs."""
    merged: dict[str, set[str]] = {}
    for run in runs:
        for name, value in run.environment.items():
            merged.setdefault(name, set()).add(str(value))
    return {name: ", ".join(sorted(values)) for name, values in sorted(merged.items())}


def mean_test_loss(runs: Iterable[RunResult]) -> float | None:
    """The mean over runs of the loss on the test images; None unless all have one."""
    losses = [run.test_loss for run in runs]
    known = [loss for loss in losses if loss is not None]
    return sum(known) / len(known) if known and len(known) == len(losses) else None
