"""Train published models again with their authors' recipes, and report after each how it compares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import reference
from harness.datasets import catalogue
from harness.datasets.idx import Dataset
from harness.experiments.candidates import Bench, Candidate, Progress, Work, require_installed
from harness.experiments.executors import Zygotes
from harness.experiments.loop import Results, environment_of, examine_and_train, mean_test_loss
from harness.handins.discover import take_in
from harness.records.errors import UsageError
from harness.records.framework import Framework
from harness.records.run import RunResult, RunStatus
from harness.sandbox.support import require_walls
from harness.scoring.agreement import Reproduction, Reproductions
from harness.scoring.score import correctness, run_variance
from harness.scoring.standing import standing
from harness.storage.store import Store
from harness.storage.versions import is_installed
from harness.tasks.published import FOLDERS, Published, chosen, read_published

ROOT = Path(reference.__file__).parent / "published"
"""The published models included with the harness."""


@dataclass(frozen=True)
class ReproduceRequest:
    """The request to `reproduce`. Without names it is every model, without frameworks each in its authors' own."""

    names: tuple[str, ...]
    workers: int
    frameworks: tuple[Framework, ...] = ()
    seeds: int | None = None
    walls: bool = True
    command: str = ""
    root: Path = ROOT
    cross_check: bool = False


@dataclass(frozen=True)
class _Attempt:
    """A published model in one framework, in progress."""

    published: Published
    framework: Framework
    candidate: Candidate

    @property
    def name(self) -> str:
        """The model's name, with the framework where that is not its authors'."""
        own = FOLDERS[self.framework] == self.published.figures.framework
        return self.published.name if own else f"{self.published.name} ({FOLDERS[self.framework]})"


def reproduce(
    request: ReproduceRequest, store: Store, progress: Progress, report: Callable[[Reproductions], object]
) -> Reproductions:
    """Examine and train what the store does not have yet. `report` receives the current results after each model.

    Models that were not requested are shown too if the store has all of their runs.
    """
    if request.walls:
        require_walls()
    attempts = _attempts(request)
    with Zygotes(walls=request.walls) as zygotes:
        bench = Bench(
            store,
            zygotes,
            progress,
            request.workers,
            walls=request.walls,
            needs_loss=True,
            cross_check=request.cross_check,
        )
        for results in examine_and_train([attempt.candidate for attempt in attempts], bench, _soonest_done):
            known = _known(attempts, results, request)
            report(known)
    return known


def _soonest_done(work: Work) -> tuple[int, str, str, int]:
    """Model by model, the one with the least work first: the first is done early, and reported."""
    run = work.run
    return run.macs * run.examples, work.assignment.title, run.framework, run.seed


def _attempts(request: ReproduceRequest) -> list[_Attempt]:
    """Every model in every framework that is installed; those requested are wanted."""
    models = read_published(request.root)
    wanted = {model.name for model in chosen(models, request.names)}
    found = []
    for model in models:
        asked = request.frameworks or (_own_framework(model),)
        for framework in FOLDERS:
            is_wanted = model.name in wanted and framework in asked
            if is_wanted:
                require_installed(framework)
            if is_installed(framework) and (model.folder / FOLDERS[framework]).is_dir():
                found.append(_attempt(model, framework, request, wanted=is_wanted))
            elif is_wanted:
                raise UsageError(f"{model.folder / FOLDERS[framework]}", "no folder", "put the model there")
    return found


def _own_framework(model: Published) -> Framework:
    return next(framework for framework, folder in FOLDERS.items() if folder == model.figures.framework)


def _attempt(model: Published, framework: Framework, request: ReproduceRequest, *, wanted: bool) -> _Attempt:
    seeds = request.seeds or model.recipe.budget.seeds
    recipe = replace(model.recipe, architecture="free", budget=replace(model.recipe.budget, seeds=seeds))
    candidate = Candidate(take_in(model.folder / FOLDERS[framework], model.name), recipe, wanted=wanted)
    return _Attempt(model, framework, candidate)


def _known(attempts: Sequence[_Attempt], results: Results, request: ReproduceRequest) -> Reproductions:
    """Every model none of whose runs is waiting."""
    pairs = zip(attempts, results.candidates, strict=True)
    shown = [replace(attempt, candidate=now) for attempt, now in pairs if results.is_shown(now)]
    done = [attempt for attempt in shown if results.is_done(attempt.candidate)]
    runs = [results.runs(attempt.candidate) for attempt in done]
    return Reproductions(
        rows=tuple(
            _reproduction(attempt, own, results.crossed(attempt.candidate))
            for attempt, own in zip(done, runs, strict=True)
        ),
        pending=tuple(attempt.name for attempt in shown if attempt not in done),
        sandboxed=request.walls,
        command=request.command,
        environment=environment_of(run for own in runs for run in own.values()),
    )


def _reproduction(attempt: _Attempt, runs: dict[str, RunResult], crossed: dict[str, RunResult]) -> Reproduction:
    asked = attempt.candidate.assignment
    dataset = catalogue.load(asked.dataset)
    policy, seeds = asked.findings, asked.budget.seeds
    board = standing([attempt.candidate.entry], {**runs, **crossed}, dataset.test_labels, seeds, policy)
    return Reproduction(
        name=attempt.name,
        published=attempt.published,
        framework=attempt.framework,
        recipe=asked.budget.sentence(dataset.name),
        row=board.rows[0],
        loss=mean_test_loss(runs.values()),
        run_variance=_run_variance(runs.values(), dataset),
    )


def _run_variance(runs: Iterable[RunResult], dataset: Dataset) -> float:
    """The variance of the accuracy between finished seeds; unknown from one."""
    done = [run.predictions for run in runs if run.status is RunStatus.DONE]
    return run_variance(correctness(done, dataset.test_labels, len(done))) if len(done) > 1 else 0.0
