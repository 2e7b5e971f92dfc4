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
from harness.experiments.proofs import Proof, classify, crash_of, is_to_be_classified
from harness.experiments.training import STORED, Run, crashed_run, share_data, still_holds, train_one
from harness.records.check import Outcome
from harness.records.engine import Engine
from harness.records.errors import HarnessError
from harness.records.flaws import flaw_of
from harness.records.framework import Framework
from harness.records.inputs import input_shape
from harness.records.run import RunResult, RunStatus
from harness.records.submission import Rejected
from harness.sandbox.job import Imported, Launcher, SharedInput
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
        return bench.judged(candidate, rejected(candidate.found))
    candidate = replace(candidate, key=verdict_key(candidate.found, candidate.assignment, walls=bench.walls))
    stored = None if bench.force and candidate.wanted else bench.store.verdict(candidate.key)
    return candidate if stored is None else bench.judged(candidate, stored)


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
        found[candidate.key] = bench.judged(candidate, verdict)
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
    asked = {key: candidate for candidate in candidates for key in candidate.seeds_by_key}
    if bench.force:
        return set(asked)
    stored = bench.store.runs(asked)
    return {key for key, candidate in asked.items() if not _is_kept(stored.get(key), candidate, bench)}


def _is_kept(run: RunResult | None, candidate: Candidate, bench: Bench) -> bool:
    assignment = candidate.assignment
    if run is None or run.status not in STORED or not still_holds(run, assignment):
        return False
    if flaw_of(run, len(catalogue.load_tests(assignment.dataset).images)):
        return False
    if run.key == candidate.cross_key:
        return True
    if is_to_be_classified(candidate.engine, run.seed, run.status) and not bench.proofs.has(run.key):
        return False
    has_loss = not bench.needs_loss or run.test_loss is not None
    has_weights = bench.models is None or bench.models.has(run.key)
    return run.status is not RunStatus.DONE or (has_loss and has_weights)


def built_for_training(candidates: Sequence[Candidate], bench: Bench) -> list[Candidate]:
    """The candidates, those that have a run to do built again where their artifact is not there."""
    absent = [c for c in candidates if c.wanted and c.run_keys and not bench.shelf.has(c.key)]
    missing = _missing(absent, bench)
    again = [c for c in absent if missing.intersection(c.seeds_by_key) or models_elsewhere(c, bench)]
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
        waiting = [key for key in candidate.seeds_by_key if key in missing and key not in found]
        if waiting and bench.shelf.has(candidate.key):
            found |= {key: _work(candidate, key, again=key in done) for key in waiting}
    return list(found.values())


def _work(candidate: Candidate, key: str, *, again: bool) -> Work:
    verdict, budget = candidate.entry.verdict, candidate.assignment.budget
    is_beside = key == candidate.cross_key
    assert verdict.output_kind is not None
    run = Run(
        key=key,
        seed=candidate.seeds_by_key[key],
        framework=candidate.submission.framework,
        input_shape=input_shape(verdict.input_form),
        output_kind=verdict.output_kind,
        macs=verdict.macs or 0,
        examples=budget.examples,
        engine=Engine.FRAMEWORK if is_beside else candidate.engine,
    )
    return Work(run, candidate.assignment, verdict.submission, candidate.key, again, is_beside, candidate.run_keys[0])


def train_all(works: Sequence[Work], bench: Bench) -> Iterator[RunResult]:
    """Train each run in this order, and give each as it ends; all but crashed ones are stored by then."""
    if not works:
        return
    forecast = _forecast(works, bench)
    bench.progress.start(_title(works, bench), len(works))
    for work, (result, proof) in run_all(_trainer(works, forecast, bench), works, bench.workers, bench.zygotes.close):
        forecast.end(work.run.key, time.monotonic(), is_typical=result.status is RunStatus.DONE)
        if proof is not None:
            bench.proofs.note(proof)
        if result.status is RunStatus.DONE or (result.status in STORED and not work.again):
            bench.store.save_run(result)
        if bench.models is not None and result.weights:
            artifact = bench.shelf.take(work.artifact)
            bench.models.keep(Trained(work.submission, artifact, work.run.seed, work.run.key, result.weights))
        bench.progress.step(forecast.left(time.monotonic()))
        yield replace(result, weights=b"", predictions=b"")


def _forecast(works: Sequence[Work], bench: Bench) -> Forecast:
    runs = [work.run for work in works]
    sizes = {run.key: (str(run.worker), run.macs) for run in runs}
    return Forecast(sizes, bench.workers, {run.key: run.examples for run in runs})


def _trainer(
    works: Sequence[Work], forecast: Forecast, bench: Bench
) -> Callable[[Work], tuple[RunResult, Proof | None]]:
    """The function that does one run, in any thread, and lets the framework look at what the engine trained."""
    warm = warm_for(works, bench)
    data = SharedData(works)

    def do(work: Work) -> tuple[RunResult, Proof | None]:
        run, asked = work.run, work.assignment
        forecast.begin(run.key, time.monotonic())
        try:
            artifact = bench.shelf.take(work.artifact, run.seed)
        except HarnessError as error:
            return crashed_run(run, f"{error.expected} was not there: {error.found}"), None
        keep = bench.models is not None and not work.beside
        looks = is_to_be_classified(run.engine, run.seed, RunStatus.DONE)
        result = train_one(run, artifact, warm[run.worker], data(work), asked, keep_weights=keep or looks)
        proof = crash_of(run, work.first, result)
        if is_to_be_classified(run.engine, run.seed, result.status):
            proof = classify(run, artifact, result, warm[run.framework], data(work), asked)
        return _with_loss(result if keep else replace(result, weights=b""), asked), proof

    return do


def warm_for(works: Iterable[Work], bench: Bench) -> dict[Imported, Launcher]:
    """The processes that do these runs, and those of the models' frameworks."""
    needed = {worker: None for work in works for worker in (work.run.worker, work.run.framework)}
    return {worker: bench.zygotes.get(worker) for worker in needed}


def _title(works: Sequence[Work], bench: Bench) -> str:
    """Announces runs that are repeated: their results are stored, their weights are not."""
    again = sum(work.again for work in works) if bench.models is not None else 0
    return f"Training ({again} again, for their weights)" if again else "Training"


class SharedData:
    """The images for each run, shared in memory between runs that see the same."""

    def __init__(self, works: Iterable[Work]) -> None:
        firsts = {_split(work): work.assignment for work in works}
        self._data = {key: share_data(catalogue.load(asked.dataset), asked.budget) for key, asked in firsts.items()}

    def __call__(self, work: Work) -> SharedInput:
        """What this run sees."""
        return self._data[_split(work)]

    def close(self) -> None:
        """Free the memory once no job maps it."""
        for shared in self._data.values():
            shared.close()


def _split(work: Work) -> tuple[Any, ...]:
    asked = work.assignment
    return asked.dataset, asked.budget.train_images, asked.budget.validation_images


def _with_loss(result: RunResult, assignment: Assignment) -> RunResult:
    """Replaces log-probabilities with the loss on the test images: test labels are only known here."""
    loss = None
    if result.status is RunStatus.DONE:
        loss = mean_loss(result.log_probabilities, catalogue.load(assignment.dataset).test_labels)
    return replace(result, test_loss=loss, log_probabilities=b"")
