"""Train published models again by their authors' recipes, and say after each how it compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import reference
from harness.board import Entry, standing
from harness.datasets import catalogue
from harness.discover import take_in
from harness.errors import UsageError
from harness.executors import Zygotes
from harness.published import FOLDERS, Published, Reproduction, Reproductions, chosen, read_published
from harness.records import Framework, RunResult
from harness.sandbox.support import require_walls
from harness.stages import (
    Bench,
    Candidate,
    Progress,
    Work,
    entry_of,
    environment_of,
    examine_all,
    is_complete,
    rebuild_for_training,
    train,
    work_to_do,
)
from harness.store import Store
from harness.training import STORED
from harness.versions import is_installed

ROOT = Path(reference.__file__).parent / "published"
"""The published models that come with the harness."""
_EXTRAS = {Framework.TENSORFLOW: "tensorflow", Framework.TORCH: "torch"}


@dataclass(frozen=True)
class ReproduceRequest:
    """What `reproduce` was asked for. Without names it is every model, without frameworks each in its authors' own."""

    names: tuple[str, ...]
    workers: int
    frameworks: tuple[Framework, ...] = ()
    seeds: int | None = None
    walls: bool = True
    command: str = ""
    root: Path = ROOT


@dataclass(frozen=True)
class _Attempt:
    """A published model in one framework, on its way."""

    published: Published
    framework: Framework
    candidate: Candidate

    @property
    def name(self) -> str:
        """The model's name, with the framework where that is not its authors'."""
        own = FOLDERS[self.framework] == self.published.figures.framework
        return self.published.name if own else f"{self.published.name} ({FOLDERS[self.framework]})"


def reproduce(
    request: ReproduceRequest, store: Store, progress: Progress, tell: Callable[[Reproductions], None]
) -> Reproductions:
    """Examine and train what the store does not have yet. `tell` is given all that is known after each model.

    Models that were not asked for are shown too where the store has all of them.
    """
    if request.walls:
        require_walls()
    attempts = _attempts(request)
    with Zygotes(walls=request.walls) as zygotes:
        bench = Bench(store, zygotes, progress, request.workers, walls=request.walls, needs_loss=True)
        candidates = [attempt.candidate for attempt in attempts]
        examine_all(candidates, bench)
        rebuild_for_training(candidates, bench)
        shown = [a for a in attempts if a.candidate.wanted or is_complete(a.candidate, bench)]
        report = _Report(shown, request, store)
        works = sorted(work_to_do([a.candidate for a in shown], bench), key=_soonest_done)
        waiting = {work.run.key for work in works}
        for run in train(works, bench):
            waiting.discard(run.key)
            if report.finishes(run, waiting):
                tell(report.now(waiting))
    found = report.now(waiting)
    tell(found)
    return found


def _soonest_done(work: Work) -> tuple[int, str, str, int]:
    """Model by model, the one with the least work first: the first is done early, and reported."""
    run = work.run
    return run.macs * run.examples, work.assignment.title, run.artifact.framework, run.seed


def _attempts(request: ReproduceRequest) -> list[_Attempt]:
    """Every model in every framework that is installed; wanted are those that were asked for."""
    models = read_published(request.root)
    wanted = {model.name for model in chosen(models, request.names)}
    found = []
    for model in models:
        asked = request.frameworks or (_own_framework(model),)
        for framework in FOLDERS:
            is_wanted = model.name in wanted and framework in asked
            if is_wanted:
                _require(framework)
            if is_installed(framework) and (model.folder / FOLDERS[framework]).is_dir():
                found.append(_attempt(model, framework, request, wanted=is_wanted))
            elif is_wanted:
                raise UsageError(f"{model.folder / FOLDERS[framework]}", "no folder", "put the model there")
    return found


def _own_framework(model: Published) -> Framework:
    return next(framework for framework, folder in FOLDERS.items() if folder == model.figures.framework)


def _require(framework: Framework) -> None:
    if not is_installed(framework):
        expected = f"{FOLDERS[framework]}, which the model is trained in"
        advice = f"pip install 'lenet-harness[{_EXTRAS[framework]}]', or choose another with --framework"
        raise UsageError(expected, "not installed", advice)


def _attempt(model: Published, framework: Framework, request: ReproduceRequest, *, wanted: bool) -> _Attempt:
    seeds = request.seeds or model.recipe.budget.seeds
    recipe = replace(model.recipe, architecture="free", budget=replace(model.recipe.budget, seeds=seeds))
    candidate = Candidate(take_in(model.folder / FOLDERS[framework], model.name), recipe, wanted=wanted)
    return _Attempt(model, framework, candidate)


class _Report:
    """What is known so far; a crashed run is known here alone, because it is not stored."""

    def __init__(self, attempts: Sequence[_Attempt], request: ReproduceRequest, store: Store) -> None:
        self._attempts = attempts
        self._request = request
        self._store = store
        self._crashed: dict[str, RunResult] = {}

    def finishes(self, run: RunResult, waiting: set[str]) -> bool:
        """Take note of a run; whether it was the last of a model."""
        if run.status not in STORED:
            self._crashed[run.key] = run
        done = [keys for attempt in self._attempts if run.key in (keys := self._keys(attempt))]
        return any(not waiting.intersection(keys) for keys in done)

    def now(self, waiting: set[str]) -> Reproductions:
        """Every model none of whose runs is waiting."""
        done = [attempt for attempt in self._attempts if not waiting.intersection(self._keys(attempt))]
        results = [self._runs(attempt) for attempt in done]
        return Reproductions(
            rows=tuple(_reproduction(a, self._entry(a), runs) for a, runs in zip(done, results, strict=True)),
            pending=tuple(attempt.name for attempt in self._attempts if attempt not in done),
            sandboxed=self._request.walls,
            command=self._request.command,
            environment=environment_of(run for runs in results for run in runs.values()),
        )

    def _entry(self, attempt: _Attempt) -> Entry:
        return entry_of(attempt.candidate, walls=self._request.walls)

    def _keys(self, attempt: _Attempt) -> tuple[str, ...]:
        return self._entry(attempt).run_keys

    def _runs(self, attempt: _Attempt) -> dict[str, RunResult]:
        keys = self._keys(attempt)
        return self._store.runs(keys) | {key: self._crashed[key] for key in keys if key in self._crashed}


def _reproduction(attempt: _Attempt, entry: Entry, runs: dict[str, RunResult]) -> Reproduction:
    asked = attempt.candidate.assignment
    dataset = catalogue.load(asked.dataset)
    board = standing([entry], runs, dataset.test_labels, asked.budget.seeds, asked.findings)
    losses = [run.test_loss for run in runs.values() if run.test_loss is not None]
    return Reproduction(
        name=attempt.name,
        published=attempt.published,
        framework=attempt.framework,
        recipe=asked.budget.sentence(dataset.name),
        row=board.rows[0],
        loss=sum(losses) / len(losses) if losses and len(losses) == len(runs) else None,
    )
