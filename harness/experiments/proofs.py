"""Whether the compiled engine's results are those of a model's own framework: asked once, and known from then on.

Two questions: does it differentiate the first batch as the framework does, for each model; and does the framework, with
the weights that the engine trained from seed 0, classify the test images as the engine does, for each run of seed 0.
Where it does not, the model's own framework trains it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from harness.experiments.training import Run, limits_of
from harness.jobs.ending import Crashed, LimitMet, NoAnswer, Refused, Why, answer_in
from harness.jobs.job import Job
from harness.jobs.limits import Limits
from harness.jobs.machine import cpu_model
from harness.jobs.prove import (
    CLASSIFY,
    OTHERS_WITHIN,
    PROVE,
    ClassifyAnswer,
    ClassifyRequest,
    ProveAnswer,
    ProveRequest,
)
from harness.records.artifact import Artifact
from harness.records.engine import Engine
from harness.records.errors import HarnessError
from harness.records.framework import Framework
from harness.records.run import RunResult, RunStatus
from harness.sandbox.job import Launcher, SharedInput
from harness.storage.store import Store
from harness.storage.versions import code_digest, versions_of
from harness.tasks.assignment import Assignment

Answer = TypeVar("Answer")
_TEXT_LIMIT = 300
_BUILDS = 3


@dataclass(frozen=True)
class Proof:
    """What a comparison found, and why the engine's results are not used, if they are not. One that could not be made
    is not `known`: it is tried again by the next command."""

    key: str
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    known: bool = True


class Proofs:
    """All comparisons that are known to a store, and those of the current command."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reasons = {key: str(proof["reason"]) for key, proof in store.proofs().items()}
        self._new: set[str] = set()

    def note(self, proof: Proof) -> None:
        """Keep what a comparison found. What failed in this command stays so until its end."""
        if proof.reason or proof.key not in self._new:
            self._reasons[proof.key] = proof.reason
        self._new.add(proof.key)
        if proof.known:
            self._store.save_proof(proof.key, {"reason": proof.reason, **proof.facts})

    def has(self, key: str) -> bool:
        """Whether the comparison under this key was made, or tried by this command."""
        return key in self._reasons

    def failure(self, key: str) -> str:
        """Why the engine's results are not used, if that is known."""
        return self._reasons.get(key, "")

    def new_failure(self, key: str) -> str:
        """The same, as far as this command found out."""
        return self._reasons[key] if key in self._new else ""


def proof_key(fingerprint: str, framework: Framework, *, walls: bool = True) -> str:
    """SHA-256 of everything that the comparison for a model depends on: its graph, libraries, our code, the machine,
    and missing walls."""
    facts = ["proof", fingerprint, versions_of(Engine.COMPILED, framework), code_digest(), cpu_model(), walls]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def is_to_be_classified(engine: Engine, seed: int, status: RunStatus) -> bool:
    """Whether the framework is asked about the models of such a run."""
    return engine is Engine.COMPILED and seed == 0 and status is RunStatus.DONE


def crash_of(run: Run, first: str, result: RunResult) -> Proof | None:
    """Where the engine could not train a model, its framework does, from its `first` seed on."""
    if run.engine is not Engine.COMPILED or result.status is not RunStatus.CRASHED:
        return None
    return Proof(first, f"it could not train it ({result.reason})", known=False)


def prove(key: str, run: Run, artifact: Artifact, zygote: Launcher, data: SharedInput, assignment: Assignment) -> Proof:
    """Compare loss, gradients and statistics of the first batch. `zygote` is that of the model's own framework."""
    request = ProveRequest(
        framework=run.framework,
        output_kind=run.output_kind,
        input_shape=run.input_shape,
        divisor=assignment.budget.divisor,
        batch_size=assignment.budget.batch_size,
        graph=artifact.graph,
        weights=artifact.weights[0],
    )

    def judged(answer: ProveAnswer) -> Proof:
        reason = "" if answer.agrees else f"its results differ from the framework's ({answer.worst[:_TEXT_LIMIT]})"
        return Proof(key, reason, asdict(answer))

    return _asked(key, Job.of(PROVE, request, _limits(assignment)), zygote, data, ProveAnswer, judged)


def classify(
    run: Run, artifact: Artifact, result: RunResult, zygote: Launcher, data: SharedInput, assignment: Assignment
) -> Proof:
    """Let the framework classify the test images with the weights that the engine trained; count what differs."""
    if not result.weights:
        return Proof(run.key, "its trained weights are not the model's, or not finite")
    request = ClassifyRequest(
        framework=run.framework,
        output_kind=run.output_kind,
        input_shape=run.input_shape,
        divisor=assignment.budget.divisor,
        graph=artifact.graph,
        weights=result.weights,
    )

    def judged(answer: ClassifyAnswer) -> Proof:
        own, other = (np.frombuffer(each, np.uint8) for each in (result.predictions, answer.predictions))
        if len(own) != len(other):
            return Proof(run.key, "the framework gave an invalid answer", known=False)
        differing = int((own != other).sum())
        found = f"with the weights that it trained, the framework classifies {differing:,} test images in another way"
        return Proof(run.key, found if differing > OTHERS_WITHIN * len(own) else "", {"differing": differing})

    return _asked(run.key, Job.of(CLASSIFY, request, _limits(assignment)), zygote, data, ClassifyAnswer, judged)


def _asked(
    key: str,
    job: Job,
    zygote: Launcher,
    data: SharedInput,
    kind: type[Answer],
    judged: Callable[[Answer], Proof],
) -> Proof:
    """What a job found; where it gave no answer, that alone is the reason."""
    try:
        return judged(answer_in(zygote.run(job, [data]), kind))
    except NoAnswer as error:
        reason = _reason(error.why)
    except HarnessError as error:
        reason = error.found
    return Proof(key, f"it could not be compared with the framework ({reason[:_TEXT_LIMIT]})", known=False)


def _reason(why: Why) -> str:
    if isinstance(why, LimitMet):
        return f"more {why.limit} was needed than a model may use"
    return why.error if isinstance(why, Crashed) else why.found if isinstance(why, Refused) else why.exit


def _limits(assignment: Assignment) -> Limits:
    """Memory of a training process, twice because of float64; a few batches take the time of a few builds at most."""
    limits, seconds = limits_of(assignment), _BUILDS * assignment.limits.build_seconds
    return replace(limits, memory=2 * limits.memory, wall_seconds=min(limits.wall_seconds, seconds))
