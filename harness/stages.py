"""The stages that every command that trains has in common: examine, build again what is to be trained, train.

Each candidate has an assignment of its own: in a class it is the same for all, published models have each their recipe.
Whatever is done is stored as it ends, and what is stored is not done again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, TypeVar

from harness.assignment import Assignment
from harness.board import Entry
from harness.datasets import catalogue
from harness.discover import Found
from harness.errors import UsageError
from harness.examine import Examined, examine, rejected
from harness.executors import Zygotes, run_all
from harness.findings import under_policy
from harness.forecast import Forecast
from harness.models import Models, Trained
from harness.records import Framework, Outcome, Rejected, RunResult, RunStatus, Submission, Verdict
from harness.sandbox.job import SharedInput
from harness.score import mean_loss
from harness.store import Store
from harness.training import STORED, Run, run_keys, share_data, still_holds, train_one
from harness.versions import code_digest, installed_packages, is_installed, library_versions
from reference.lenet5 import LENET5

Known = TypeVar("Known")
APPLIED_LATER = {"title", "findings", "points"}
"""What of an assignment is applied to what the store has: nothing is built or trained for a change of it."""


class Progress(Protocol):
    """How long work is shown while it goes on."""

    def start(self, title: str, total: int) -> None:
        """A stage with `total` steps begins."""

    def step(self, left: float | None = None) -> None:
        """One step of the stage is done; `left` is in how many seconds the stage will be, where that is known."""


@dataclass
class Candidate:
    """A submission on its way through the stages, under its assignment."""

    found: Found
    assignment: Assignment
    is_reference: bool = False
    wanted: bool = True
    key: str = ""
    examined: Examined | None = None

    @property
    def submission(self) -> Submission:
        """What was handed in; only of one that was not rejected."""
        assert isinstance(self.found, Submission)
        return self.found

    @property
    def verdict(self) -> Verdict:
        """The verdict of one that was examined."""
        assert self.examined is not None
        return self.examined.verdict


@dataclass(frozen=True)
class Bench:
    """What the stages work with. With `force` they do again what is stored; with `needs_loss`, runs without one too;
    with `models`, runs whose trained weights are not among them."""

    store: Store
    zygotes: Zygotes
    progress: Progress
    workers: int
    walls: bool = True
    force: bool = False
    needs_loss: bool = False
    models: Models | None = None


@dataclass(frozen=True)
class Work:
    """A run to do, the assignment it is done under, and a submission that it belongs to.

    `again` is true where it was done, but something of it is missing that a store does not have.
    """

    run: Run
    assignment: Assignment
    submission: str = ""
    again: bool = False


def require_installed(framework: Framework) -> None:
    """Raises UsageError where a framework that is to be trained in is not there."""
    if not is_installed(framework):
        advice = f"pip install 'lenet-harness[{framework}]', or name the other framework"
        raise UsageError(f"the framework {framework}", "not installed", advice)


def verdict_key(submission: Submission, assignment: Assignment, *, walls: bool = True) -> str:
    """SHA-256 of all that a verdict depends on: source, assignment, libraries, our own code, and who could touch it.

    The title changes nothing; the policy on findings is applied to a verdict whenever it is read, and points are given
    when a board is made.
    """
    asked = {name: value for name, value in asdict(assignment).items() if name not in APPLIED_LATER}
    facts = [
        submission.name,
        submission.digest,
        asked,
        library_versions(submission.framework),
        installed_packages(),
        code_digest(),
        walls,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def examine_all(candidates: Sequence[Candidate], bench: Bench) -> None:
    """Give every wanted candidate its verdict, from the store where it is there; the others from the store alone."""
    todo = []
    for candidate in candidates:
        if isinstance(candidate.found, Rejected):
            candidate.examined = Examined(rejected(candidate.found))
            continue
        candidate.key = verdict_key(candidate.found, candidate.assignment, walls=bench.walls)
        known = None if bench.force and candidate.wanted else bench.store.verdict(candidate.key)
        candidate.examined = Examined(under_policy(known, candidate.assignment.findings)) if known else None
        if known is None and candidate.wanted:
            todo.append(candidate)
    _examine(todo, bench)


def _examine(todo: Sequence[Candidate], bench: Bench) -> None:
    """Build and verify, several at once; each verdict is stored as it comes.

    A verdict that holds is not replaced by a build that failed this time, on a busy machine perhaps.
    """
    warm = {candidate.submission.framework: bench.zygotes.get(candidate.submission.framework) for candidate in todo}

    def work(candidate: Candidate) -> Examined:
        zygote = warm[candidate.submission.framework]
        seeds = range(candidate.assignment.budget.seeds)
        return examine(candidate.submission, zygote, seeds, candidate.assignment, LENET5)

    if todo:
        bench.progress.start("Checking", len(todo))
    for candidate, examined in run_all(work, todo, bench.workers, bench.zygotes.close):
        first_time = candidate.examined is None
        candidate.examined = examined
        outcome = examined.verdict.outcome
        if outcome is Outcome.PASSED or (outcome is Outcome.FAILED and first_time):
            bench.store.save_verdict(candidate.key, examined.verdict)
        bench.progress.step()


def entry_of(candidate: Candidate, *, walls: bool) -> Entry:
    """The verdict and the keys of the runs; none where it failed."""
    verdict, keys = candidate.verdict, list[str]()
    if verdict.outcome is Outcome.PASSED:
        asked, framework = candidate.assignment, candidate.submission.framework
        keys = run_keys(verdict, framework, asked.budget, walls=walls, dataset=asked.dataset)
    return Entry(verdict, tuple(keys), candidate.is_reference)


def is_complete(candidate: Candidate, bench: Bench) -> bool:
    """Whether one that is not wanted can be shown all the same, with what the store has."""
    if candidate.examined is None:
        return False
    keys = entry_of(candidate, walls=bench.walls).run_keys
    return len(bench.store.runs(keys)) == len(keys)


def _missing(candidates: Iterable[Candidate], bench: Bench) -> set[str]:
    """Keys of the runs that are not stored, or are to be done again."""
    asked = {key: c.assignment for c in candidates for key in entry_of(c, walls=bench.walls).run_keys}
    if bench.force:
        return set(asked)
    stored = bench.store.runs(asked)
    return {key for key, assignment in asked.items() if not _is_kept(stored.get(key), assignment, bench)}


def _is_kept(run: RunResult | None, assignment: Assignment, bench: Bench) -> bool:
    if run is None or not still_holds(run, assignment):
        return False
    has_loss = not bench.needs_loss or run.test_loss is not None
    has_weights = bench.models is None or bench.models.has(run.key)
    return run.status is not RunStatus.DONE or (has_loss and has_weights)


def rebuild_for_training(candidates: Sequence[Candidate], bench: Bench) -> None:
    """A verdict from the store has no artifact to train: build those again that have a run to do."""
    known = [c for c in candidates if c.wanted and c.examined is not None and c.examined.artifact is None]
    missing = _missing(known, bench)
    again = [c for c in known if missing.intersection(entry_of(c, walls=bench.walls).run_keys) or _to_share(c, bench)]
    _examine(again, bench)


def _to_share(candidate: Candidate, bench: Bench) -> list[int]:
    """The seeds whose models are kept under the names of twins only."""
    if bench.models is None:
        return []
    keys, name = entry_of(candidate, walls=bench.walls).run_keys, candidate.verdict.submission
    return [seed for seed, key in enumerate(keys) if bench.models.is_elsewhere(key, name)]


def share_models(candidates: Iterable[Candidate], bench: Bench) -> None:
    """Twins were trained once: each gets the model under its own name."""
    for candidate in candidates:
        artifact = candidate.examined.artifact if candidate.examined else None
        if bench.models is None or artifact is None:
            continue
        keys = entry_of(candidate, walls=bench.walls).run_keys
        for seed in _to_share(candidate, bench):
            bench.models.share(Trained(candidate.verdict.submission, artifact, seed, keys[seed]))


def work_to_do(candidates: Sequence[Candidate], bench: Bench) -> list[Work]:
    """The runs that are missing; submissions with the same key share one."""
    missing = _missing(candidates, bench)
    stored = {} if bench.force else bench.store.runs(missing)
    done = {key for key, run in stored.items() if run.status is RunStatus.DONE}
    found: dict[str, Work] = {}
    for candidate in candidates:
        verdict, examined = candidate.verdict, candidate.examined
        if examined is None or examined.artifact is None or verdict.output_kind is None:
            continue
        for seed, key in enumerate(entry_of(candidate, walls=bench.walls).run_keys):
            if key in missing:
                macs, examples = verdict.macs or 0, candidate.assignment.budget.examples
                run = Run(key, seed, examined.artifact, examined.input_shape, verdict.output_kind, macs, examples)
                found[key] = Work(run, candidate.assignment, verdict.submission, key in done)
    return list(found.values())


def train(works: Sequence[Work], bench: Bench) -> Iterator[RunResult]:
    """Train each run in this order, and give each as it ends; all but crashed ones are stored by then."""
    if not works:
        return
    warm = {work.run.artifact.framework: bench.zygotes.get(work.run.artifact.framework) for work in works}
    data = _shared(works)
    runs = [work.run for work in works]
    sizes = {run.key: (run.artifact.framework, run.macs) for run in runs}
    forecast = Forecast(sizes, bench.workers, {run.key: run.examples for run in runs})

    def do(work: Work) -> RunResult:
        forecast.begin(work.run.key, time.monotonic())
        zygote, keep = warm[work.run.artifact.framework], bench.models is not None
        return train_one(work.run, zygote, data(work), work.assignment, keep_weights=keep)

    bench.progress.start(_title(works, bench), len(works))
    for work, result in run_all(do, works, bench.workers, bench.zygotes.close):
        forecast.end(work.run.key, time.monotonic(), is_typical=result.status is RunStatus.DONE)
        result = _with_loss(result, work.assignment)
        if result.status is RunStatus.DONE or (result.status in STORED and not work.again):
            bench.store.save_run(result)
        if bench.models is not None and result.weights:
            run = work.run
            bench.models.keep(Trained(work.submission, run.artifact, run.seed, run.key, result.weights))
        bench.progress.step(forecast.left(time.monotonic()))
        yield replace(result, weights=b"")


def train_and_tell(
    works: Sequence[Work],
    ledger: Ledger,
    candidates: Iterable[Candidate],
    bench: Bench,
    known: Callable[[], Known],
    tell: Callable[[Known], object],
) -> Known:
    """Train each run in this order; tell what is known before, and anew after each candidate that is done by then.

    Returns what was told last, when no candidate had a run waiting.
    """
    latest, waiting = known(), [candidate for candidate in candidates if not ledger.is_done(candidate)]
    tell(latest)
    for run in train(works, bench):
        ledger.note(run)
        still = [candidate for candidate in waiting if not ledger.is_done(candidate)]
        if len(still) < len(waiting):
            latest, waiting = known(), still
            tell(latest)
    return latest


def _title(works: Sequence[Work], bench: Bench) -> str:
    """What is trained again is told: its results are stored, its weights are not."""
    again = sum(work.again for work in works) if bench.models is not None else 0
    return f"Training ({again} again, for their weights)" if again else "Training"


def environment_of(runs: Iterable[RunResult]) -> dict[str, str]:
    """Every version and processor that took part in these runs."""
    merged: dict[str, set[str]] = {}
    for run in runs:
        for name, value in run.environment.items():
            merged.setdefault(name, set()).add(str(value))
    return {name: ", ".join(sorted(values)) for name, values in sorted(merged.items())}


class Ledger:
    """What came of runs so far. A crashed one is known here alone, because it is not stored."""

    def __init__(self, works: Iterable[Work], bench: Bench) -> None:
        self._waiting = {work.run.key for work in works}
        self._bench = bench
        self._crashed: dict[str, RunResult] = {}

    def note(self, run: RunResult) -> None:
        """A run has ended."""
        self._waiting.discard(run.key)
        if run.status not in STORED:
            self._crashed[run.key] = run

    def is_done(self, candidate: Candidate) -> bool:
        """Whether no run of a candidate is waiting."""
        return self._waiting.isdisjoint(entry_of(candidate, walls=self._bench.walls).run_keys)

    def runs(self, candidate: Candidate) -> dict[str, RunResult]:
        """The runs of a candidate that have ended, by their keys."""
        keys = entry_of(candidate, walls=self._bench.walls).run_keys
        return self._bench.store.runs(keys) | {key: self._crashed[key] for key in keys if key in self._crashed}


def mean_test_loss(runs: Iterable[RunResult]) -> float | None:
    """The mean over runs of the loss on the test images; None unless all have one."""
    losses = [run.test_loss for run in runs]
    known = [loss for loss in losses if loss is not None]
    return sum(known) / len(known) if known and len(known) == len(losses) else None


def _shared(works: Iterable[Work]) -> Callable[[Work], SharedInput]:
    """What gives each run its images: the same memory to all that see the same."""

    def split(work: Work) -> tuple[Any, ...]:
        asked = work.assignment
        return asked.dataset, asked.budget.train_images, asked.budget.validation_images

    firsts = {split(work): work.assignment for work in works}
    data = {key: share_data(catalogue.load(asked.dataset), asked.budget) for key, asked in firsts.items()}
    return lambda work: data[split(work)]


def _with_loss(result: RunResult, assignment: Assignment) -> RunResult:
    """The loss on the test images in the place of what it is computed from: test labels are known here alone."""
    loss = None
    if result.status is RunStatus.DONE:
        loss = mean_loss(result.log_probabilities, catalogue.load(assignment.dataset).test_labels)
    return replace(result, test_loss=loss, log_probabilities=b"")
