"""The data of the stages of a command that trains: candidates, their runs, and shared resources."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Protocol

from harness.experiments.executors import Zygotes
from harness.experiments.plan import Failure, planned, refused
from harness.experiments.proofs import Proofs
from harness.experiments.training import Run, run_keys
from harness.handins.discover import Found
from harness.records.check import Outcome
from harness.records.engine import Engine
from harness.records.errors import UsageError
from harness.records.framework import Framework
from harness.records.submission import Submission
from harness.records.verdict import Verdict
from harness.scoring.findings import under_policy
from harness.scoring.standing import Entrant
from harness.storage.models import Models
from harness.storage.shelf import Shelf
from harness.storage.store import Store
from harness.storage.versions import code_digest, installed_packages, is_installed, library_versions
from harness.tasks.assignment import Assignment

APPLIED_LATER = {"title", "findings", "points"}
"""The parts of an assignment that are applied to stored results: changing them needs no build and no training."""


class Progress(Protocol):
    """Shows the progress of work."""

    def start(self, title: str, total: int) -> None:
        """A stage with `total` steps begins."""

    def step(self, left: float | None = None) -> None:
        """One step of the stage is done; `left` is the number of seconds until the stage is done, if known."""

    def tell(self, text: str) -> None:
        """Shows one line of text."""


@dataclass(frozen=True)
class Candidate:
    """A submission on its way through the stages, under its assignment; a step returns a new one.

    `key` is that of its verdict, `run_keys` has one for each seed by its `engine`, none where it did not pass;
    `distrust` is why it is not the compiled engine, if that covers the model. One that is not `wanted` is only shown,
    with its stored results. `cross_key` is that of a run of seed 0 by the framework, for comparison.
    """

    found: Found
    assignment: Assignment
    is_reference: bool = False
    wanted: bool = True
    key: str = ""
    verdict: Verdict | None = None
    run_keys: tuple[str, ...] = ()
    engine: Engine = Engine.FRAMEWORK
    distrust: str = ""
    cross_key: str = ""

    @property
    def submission(self) -> Submission:
        """The submission; only for one that was not rejected."""
        assert isinstance(self.found, Submission)
        return self.found

    @property
    def entry(self) -> Entrant:
        """The board entry of an examined candidate."""
        assert self.verdict is not None
        return Entrant(self.verdict, self.run_keys, self.is_reference, self.distrust, self.cross_key)

    @property
    def seeds_by_key(self) -> dict[str, int]:
        """Every run of this candidate, that for comparison last."""
        return {key: seed for seed, key in enumerate(self.run_keys)} | ({self.cross_key: 0} if self.cross_key else {})

    def with_verdict(self, verdict: Verdict, *, walls: bool, failure: Failure = lambda _: "") -> Candidate:
        """The candidate after it was examined, under its assignment's policy on findings.

        `failure` says of a comparison of the compiled engine with the framework why its results are not used.
        """
        verdict = under_policy(verdict, self.assignment.findings)
        if verdict.outcome is not Outcome.PASSED:
            return replace(self, verdict=verdict, run_keys=())
        plan = planned(verdict, self.submission.framework, self.assignment, failure, walls=walls)
        if plan.refusal:
            verdict = replace(verdict, checks=(*verdict.checks, refused(plan.refusal)))
        return replace(self, verdict=verdict, run_keys=plan.run_keys, engine=plan.engine, distrust=plan.distrust)


@dataclass(frozen=True)
class Bench:
    """What the stages work with. With `force` they repeat what is stored; with `needs_loss`, runs without one too; with
    `models`, runs whose trained weights are not among them. With `cross_check` frameworks train seed 0 of what the
    compiled engine trains."""

    store: Store
    zygotes: Zygotes
    progress: Progress
    workers: int
    walls: bool = True
    force: bool = False
    needs_loss: bool = False
    models: Models | None = None
    cross_check: bool = False

    @property
    def shelf(self) -> Shelf:
        """The folder of artifacts waiting for training."""
        return Shelf(self.store.artifacts)

    @cached_property
    def proofs(self) -> Proofs:
        """What is known of the compiled engine and the frameworks."""
        return Proofs(self.store)

    def judged(self, candidate: Candidate, verdict: Verdict) -> Candidate:
        """A candidate with its verdict, and with the engine that trains it as far as that is known."""
        is_asked_again = self.force and candidate.wanted
        failure = self.proofs.new_failure if is_asked_again else self.proofs.failure
        found = candidate.with_verdict(verdict, walls=self.walls, failure=failure)
        return replace(found, cross_key=self._cross_key(found))

    def _cross_key(self, candidate: Candidate) -> str:
        if not self.cross_check or not candidate.run_keys or candidate.engine is not Engine.COMPILED:
            return ""
        asked, verdict = candidate.assignment, candidate.entry.verdict
        framework = candidate.submission.framework
        return run_keys(verdict, framework, asked.budget, walls=self.walls, dataset=asked.dataset)[0]

    def planned_again(self, candidate: Candidate) -> Candidate:
        """A candidate after more is known of the engine that was to train it."""
        return candidate if candidate.verdict is None else self.judged(candidate, candidate.verdict)


@dataclass(frozen=True)
class Work:
    """A run to do, its assignment, and a submission that it belongs to: its name, and the key of its artifact.

    `again` is true if it was done before, but something that the store does not keep is missing. One that is `beside`
    is for comparison alone: it is not a run of the row. `first` is the key of the row's run of seed 0.
    """

    run: Run
    assignment: Assignment
    submission: str = ""
    artifact: str = ""
    again: bool = False
    beside: bool = False
    first: str = ""


def require_installed(framework: Framework) -> None:
    """Raises UsageError if a required framework is not installed."""
    if not is_installed(framework):
        advice = f"pip install 'lenet-harness[{framework}]', or name the other framework"
        raise UsageError(f"the framework {framework}", "not installed", advice)


def verdict_key(submission: Submission, assignment: Assignment, *, walls: bool = True) -> str:
    """SHA-256 of everything that a verdict depends on: source, assignment, libraries, our own code, and isolation.

    The title changes nothing; the policy on findings is applied to a verdict whenever it is read, and points are
    computed when a board is made.
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
