"""The stages of every command that trains: examine, rebuild what is to be trained, train.

Each candidate has an assignment of its own: in a class it is the same for all, published models each have their own
recipe. Results are stored as they finish, and stored work is not repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from harness.datasets import catalogue
from harness.experiments.candidates import Bench, Candidate, Work, verdict_key
from harness.experiments.examine import Examined, examine, rejected, unforeseen
from harness.experiments.executors import run_all
from harness.experiments.forecast import Forecast
from harness.experiments.training import STORED, Run, crashed_run, share_data, still_holds, train_one
from harness.records.check import Outcome
from harness.records.errors import HarnessError
from harness.records.flaws import flaw_of
from harness.records.framework import Framework
from harness.records.inputs import input_shape
from harness.records.run import RunResult, RunStatus
from harness.records.submission import Rejected
from harness.sandbox.job import Launcher, SharedInput
from harness.scoring.score import mean_loss
from harness.storage.models import Trained
from harness.tasks.assignment import Assignment
from harness.tasks.references import load_reference


def examine_all(candidates: Sequence[Candidate], bench: Bench) -> list[Candidate]:
    """Give every wanted candidate its verdict, from the store if it is there; the others only from the store."""
    known = [_looked_up(candidate, bench) for candidate in candidates]
    return _examined(known, [c for c in known if c.wanted and c.verdict is None], bench)


def _looked_up(candidate: Candidate, bench: Bench) -> Candidate:
    if isinstance(candidate.found, Rejected):
        return candidate.with_verdict(rejected(candidate.found), walls=bench.walls)
    candidate = replace(candidate, key=verdict_key(candidate.found, candidate.assignment, walls=bench.walls))
    stored = None if bench.force and candidate.wanted else bench.store.verdict(candidate.key)
    return candidate if stored is None else candidate.with_verdict(stored, walls=bench.walls)


def _examined(candidates: Sequence[Candidate], todo: Sequence[Candidate], bench: Bench) -> list[Candidate]:
    """The candidates, those `todo` built and verified, several at once; each verdict is stored as it comes.

    A valid verdict is not replaced by a build that failed this time, perhaps on a busy machine.
    """
    found: dict[str, Candidate] = {}
    agreed = bench.store.agreements() if todo else frozenset[str]()
    warm = {candidate.submission.framework: bench.zygotes.get(candidate.submission.framework) for candidate in todo}
    if todo:
        bench.progress.start("Checking", len(todo))
    built = run_all(lambda c: _built(c, warm, bench, agreed), todo, bench.workers, bench.zygotes.close)
    for candidate, examined in built:
        verdict, first_time = examined.verdict, candidate.verdict is None
        if examined.agreement is not None:
            bench.store.save_agreement(examined.agreement.key, asdict(examined.agreement.answer))
        if verdict.outcome is Outcome.PASSED or (verdict.outcome is Outcome.FAILED and first_time):
            bench.store.save_verdict(candidate.key, verdict)
        found[candidate.key] = candidate.with_verdict(verdict, walls=bench.walls)
        bench.progress.step()
    return [found.get(candidate.key, candidate) for candidate in candidates]


def _built(candidate: Candidate, warm: Mapping[Framework, Launcher], bench: Bench, agreed: Container[str]) -> Examined:
    """One that is built now; where it passed, its artifact waits on the shelf.

    Errors in one submission never stop the others, except when nothing can be stored any more.
    """
    submission, asked = candidate.submission, candidate.assignment
    try:
        reference, seeds = load_reference(asked.reference), range(asked.budget.seeds)
        examined = examine(submission, warm[submission.framework], seeds, asked, reference, agreed=agreed)
        if examined.artifact is not None and examined.verdict.outcome is Outcome.PASSED:
            bench.shelf.put(candidate.key, examined.artifact)
    except HarnessError:
        raise
    except Exception as error:
        return Examined(unforeseen(submission, error))
    return examined


def is_complete(candidate: Candidate, bench: Bench) -> bool:
    """Whether one that is not wanted can still be shown, with its stored results."""
    return candidate.verdict is not None and len(bench.store.runs(candidate.run_keys)) == len(candidate.run_keys)


def _missing(candidates: Iterable[Candidate], bench: Bench) -> set[str]:
    """Keys of the runs that are not stored, or are to be done again."""
    asked = {key: candidate.assignment for candidate in candidates for key in candidate.run_keys}
    if bench.force:
        return set(asked)
    stored = bench.store.runs(asked)
    return {key for key, assignment in asked.items() if not _is_kept(stored.get(key), assignment, bench)}


def _is_kept(run: RunResult | None, assignment: Assignment, bench: Bench) -> bool:
    if run is None or run.status not in STORED or not still_holds(run, assignment):
        return False
    if flaw_of(run, len(catalogue.load_tests(assignment.dataset).images)):
        return False
    has_loss = not bench.needs_loss or run.test_loss is not None
    has_weights = bench.models is None or bench.models.has(run.key)
    return run.status is not RunStatus.DONE or (has_loss and has_weights)


def built_for_training(candidates: Sequence[Candidate], bench: Bench) -> list[Candidate]:
    """The candidates, those that have a run to do built again where their artifact is not there."""
    absent = [c for c in candidates if c.wanted and c.run_keys and not bench.shelf.has(c.key)]
    missing = _missing(absent, bench)
    again = [c for c in absent if missing.intersection(c.run_keys) or models_elsewhere(c, bench)]
    return _examined(candidates, again, bench)


def models_elsewhere(candidate: Candidate, bench: Bench) -> list[int]:
    """The seeds whose models are kept under the names of twins only."""
    if bench.models is None:
        return []
    name = candidate.found.name
    return [seed for seed, key in enumerate(candidate.run_keys) if bench.models.is_elsewhere(key, name)]


def work_to_do(candidates: Sequence[Candidate], bench: Bench) -> list[Work]:
    """The runs that are missing; submissions with the same key share one."""
    missing = _missing(candidates, bench)
    stored = {} if bench.force else bench.store.runs(missing)
    done = {key for key, run in stored.items() if run.status is RunStatus.DONE}
    found: dict[str, Work] = {}
    for candidate in candidates:
        waiting = [(seed, key) for seed, key in enumerate(candidate.run_keys) if key in missing and key not in found]
        if waiting and bench.shelf.has(candidate.key):
            found |= {key: _work(candidate, seed, key, again=key in done) for seed, key in waiting}
    return list(found.values())


def _work(candidate: Candidate, seed: int, key: str, *, again: bool) -> Work:
    verdict, budget = candidate.entry.verdict, candidate.assignment.budget
    assert verdict.output_kind is not None
    run = Run(
        key=key,
        seed=seed,
        framework=candidate.submission.framework,
        input_shape=input_shape(verdict.input_form),
        output_kind=verdict.output_kind,
        macs=verdict.macs or 0,
        examples=budget.examples,
    )
    return Work(run, candidate.assignment, verdict.submission, candidate.key, again)


def train_all(works: Sequence[Work], bench: Bench) -> Iterator[RunResult]:
    """Train each run in this order, and give each as it ends; all but crashed ones are stored by then."""
    if not works:
        return
    forecast = _forecast(works, bench)
    bench.progress.start(_title(works, bench), len(works))
    for work, result in run_all(_trainer(works, forecast, bench), works, bench.workers, bench.zygotes.close):
        forecast.end(work.run.key, time.monotonic(), is_typical=result.status is RunStatus.DONE)
        if result.status is RunStatus.DONE or (result.status in STORED and not work.again):
            bench.store.save_run(result)
        if bench.models is not None and result.weights:
            artifact = bench.shelf.take(work.artifact)
            bench.models.keep(Trained(work.submission, artifact, work.run.seed, work.run.key, result.weights))
        bench.progress.step(forecast.left(time.monotonic()))
        yield replace(result, weights=b"", predictions=b"")


def _forecast(works: Sequence[Work], bench: Bench) -> Forecast:
    runs = [work.run for work in works]
    sizes = {run.key: (str(run.framework), run.macs) for run in runs}
    return Forecast(sizes, bench.workers, {run.key: run.examples for run in runs})


def _trainer(works: Sequence[Work], forecast: Forecast, bench: Bench) -> Callable[[Work], RunResult]:
    """The function that does one run, in any thread."""
    warm = {framework: bench.zygotes.get(framework) for framework in {work.run.framework: None for work in works}}
    data, keep = _shared(works), bench.models is not None

    def do(work: Work) -> RunResult:
        forecast.begin(work.run.key, time.monotonic())
        try:
            artifact = bench.shelf.take(work.artifact, work.run.seed)
        except HarnessError as error:
            return crashed_run(work.run, f"{error.expected} was not there: {error.found}")
        zygote = warm[work.run.framework]
        result = train_one(work.run, artifact, zygote, data(work), work.assignment, keep_weights=keep)
        return _with_loss(result, work.assignment)

    return do


def _title(works: Sequence[Work], bench: Bench) -> str:
    """Announces runs that are repeated: their results are stored, their weights are not."""
    again = sum(work.again for work in works) if bench.models is not None else 0
    return f"Training ({again} again, for their weights)" if again else "Training"


def _shared(works: Iterable[Work]) -> Callable[[Work], SharedInput]:
    """The function that gives each run its images, shared in memory between equal runs."""

    def split(work: Work) -> tuple[Any, ...]:
        asked = work.assignment
        return asked.dataset, asked.budget.train_images, asked.budget.validation_images

    firsts = {split(work): work.assignment for work in works}
    data = {key: share_data(catalogue.load(asked.dataset), asked.budget) for key, asked in firsts.items()}
    return lambda work: data[split(work)]


def _with_loss(result: RunResult, assignment: Assignment) -> RunResult:
    """Replaces log-probabilities with the loss on the test images: test labels are only known here."""
    loss = None
    if result.status is RunStatus.DONE:
        loss = mean_loss(result.log_probabilities, catalogue.load(assignment.dataset).test_labels)
    return replace(result, test_loss=loss, log_probabilities=b"")
