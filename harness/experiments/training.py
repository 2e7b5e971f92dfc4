"""The controller's side of training: which runs a board needs, and the result of each. Sees no test labels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.artifact.audit import read_artifact, read_trained
from harness.datasets import catalogue
from harness.datasets.idx import Dataset
from harness.jobs import wire
from harness.jobs.ending import Crashed, Ending, Limit, LimitMet, NoAnswer, Refused, Silent, Why, answer_in
from harness.jobs.job import Job
from harness.jobs.limits import MIB, Limits
from harness.jobs.train import TRAIN, Course, Optimizer, TrainAnswer, TrainingImages, TrainRequest
from harness.language.dependence import answers_alone
from harness.model.readable import before_layers
from harness.records.artifact import Artifact
from harness.records.engine import Engine
from harness.records.errors import ArtifactError
from harness.records.flaws import answer_flaw
from harness.records.framework import Framework
from harness.records.graph import OutputKind, Shape
from harness.records.inputs import OUTPUTS
from harness.records.run import RunResult, RunStatus
from harness.records.verdict import Verdict
from harness.sandbox.job import Launcher, SharedInput
from harness.storage.versions import TRAINING_VERSION, versions_of
from harness.tasks.assignment import Assignment, Budget

STORED = {RunStatus.DONE, RunStatus.DIVERGED, RunStatus.TIMED_OUT, RunStatus.OUT_OF_MEMORY, RunStatus.REFUSED}
"""Endings that belong to the model and are stored; a crash is our fault, and is tried again next time."""
_OWN_ENDINGS = {RunStatus.DONE, RunStatus.DIVERGED}
"""What a trainer may report itself; the rest is observed from outside."""
_STOPS = {Limit.WALL: RunStatus.TIMED_OUT, Limit.MEMORY: RunStatus.OUT_OF_MEMORY}
"""Limits that are a result of the run; a trainer ended by another one is our fault."""
_TEXT_LIMIT = 300


@dataclass(frozen=True)
class Run:
    """One training run to do: a seed of an audited model.

    `macs` are those of one image, `examples` how many images it is trained on, each as often as it is seen.
    """

    key: str
    seed: int
    framework: Framework
    input_shape: Shape
    output_kind: OutputKind
    macs: int
    examples: int = 1
    engine: Engine = Engine.FRAMEWORK

    @property
    def worker(self) -> Engine | Framework:
        """Which process trains it."""
        return self.engine.in_place_of(self.framework)


def run_keys(
    verdict: Verdict,
    framework: Framework,
    budget: Budget,
    *,
    engine: Engine = Engine.FRAMEWORK,
    walls: bool = True,
    dataset: str = "mnist",
) -> list[str]:
    """The key of each seed's run: SHA-256 of graph, weights, budget, seed, data, what trains it, library versions, and
    missing walls."""
    common = [
        verdict.fingerprint,
        budget.run_digest,
        catalogue.digest(dataset),
        TRAINING_VERSION,
        engine,
        versions_of(engine, framework),
    ]
    common += [] if walls else ["unsandboxed"]
    return [
        hashlib.sha256(json.dumps([*common, seed, weights], sort_keys=True).encode()).hexdigest()
        for seed, weights in enumerate(verdict.weight_digests)
    ]


def share_data(dataset: Dataset, budget: Budget) -> SharedInput:
    """What every trainer may see, in memory that all of them map: no test labels."""
    held_out = len(dataset.train_labels) - budget.validation_images
    images = TrainingImages(
        train_images=memoryview(dataset.train_images[: budget.train_images].tobytes()),
        train_labels=memoryview(dataset.train_labels[: budget.train_images].tobytes()),
        validation_images=memoryview(dataset.train_images[held_out:].tobytes()),
        validation_labels=memoryview(dataset.train_labels[held_out:].tobytes()),
        test_images=memoryview(dataset.test_images.tobytes()),
    )
    return SharedInput(wire.encode(images))


def train_one(
    run: Run,
    artifact: Artifact,
    zygote: Launcher,
    data: SharedInput,
    assignment: Assignment,
    *,
    keep_weights: bool = False,
) -> RunResult:
    """Train one run in a process of its own; `artifact` has the initial weights of its seed alone.

    Timeout, lack of memory, divergence and invalid outputs are results. Anything else is a crash, and so is an invalid
    answer: nothing in it is trusted.
    """
    try:
        result = _trained(run, artifact, zygote, data, assignment, keep_weights=keep_weights)
        flaw = answer_flaw(result, len(catalogue.load(assignment.dataset).test_images))
    except ArtifactError as error:
        return crashed_run(run, f"expected {error.expected}, found {error.found}")
    except Exception as error:  # one submission never stops the batch, even with errors we did not foresee
        return crashed_run(run, getattr(error, "found", "") or f"{type(error).__name__}: {error}")
    return crashed_run(run, f"the trainer's answer is invalid: {flaw}") if flaw else result


def _trained(
    run: Run, artifact: Artifact, zygote: Launcher, data: SharedInput, assignment: Assignment, *, keep_weights: bool
) -> RunResult:
    limits = limits_of(assignment)
    request = _request(run, artifact, assignment.budget, keep_weights=keep_weights)
    ending = zygote.run(Job.of(TRAIN, request, limits), [data])
    try:
        answer = answer_in(ending, TrainAnswer)
    except NoAnswer as error:
        result = _without_answer(run, error.why, ending, limits)
    else:
        result = _answered(run, artifact, answer)
    return replace(result, peak_memory=ending.peak_memory)


def crashed_run(run: Run, reason: str) -> RunResult:
    """The result of a run that ended through our fault."""
    return RunResult(run.key, run.seed, RunStatus.CRASHED, reason[:_TEXT_LIMIT])


def _request(run: Run, artifact: Artifact, budget: Budget, *, keep_weights: bool) -> TrainRequest:
    model = read_artifact(artifact)
    return TrainRequest(
        framework=run.framework,
        engine=run.engine,
        output_kind=run.output_kind,
        input_shape=run.input_shape,
        seed=run.seed,
        divisor=budget.divisor,
        optimizer=Optimizer(
            budget.optimizer, budget.learning_rate, budget.momentum, budget.beta_1, budget.beta_2, budget.epsilon
        ),
        course=Course(budget.epochs, budget.batch_size, budget.schedule),
        keep_weights=keep_weights,
        sampled=answers_alone(model.evaluation),
        read=before_layers(model),
        graph=artifact.graph,
        weights=artifact.weights[0],
    )


def _without_answer(run: Run, why: Why, ending: Ending, limits: Limits) -> RunResult:
    """The result of a run whose trainer gave no answer. A trainer refuses a model only for its outputs; everything else
    that goes wrong is our fault."""
    if isinstance(why, LimitMet) and why.limit in _STOPS:
        return _stopped(run, _STOPS[why.limit], ending, limits)
    if isinstance(why, Refused) and why.check == OUTPUTS:
        return RunResult(run.key, run.seed, RunStatus.REFUSED, why.found[:_TEXT_LIMIT])
    return crashed_run(run, _reason(why) or ending.describe_exit())


def _reason(why: Why) -> str:
    """The reason of an ending that is our fault."""
    if isinstance(why, Silent):
        return why.exit
    if isinstance(why, LimitMet):
        return f"it hit the limit on {why.limit}"
    return why.error if isinstance(why, Crashed) else why.found


def _answered(run: Run, artifact: Artifact, answer: TrainAnswer) -> RunResult:
    if answer.status not in _OWN_ENDINGS:
        raise ValueError(f"a trainer that reports {answer.status}")
    return RunResult(
        key=run.key,
        seed=run.seed,
        status=answer.status,
        reason=answer.reason[:_TEXT_LIMIT],
        predictions=answer.predictions,
        curve=answer.curve,
        seconds=answer.seconds,
        environment=_environment(run, answer),
        observations=answer.observations,
        log_probabilities=answer.log_probabilities,
        weights=_audited(artifact, answer.weights) if answer.weights else b"",
    )


def _environment(run: Run, answer: TrainAnswer) -> dict[str, Any]:
    """What a run depended on: processor, what trained it, and versions."""
    compiled = {"isa": answer.isa[:_TEXT_LIMIT], "lanes": answer.lanes} if run.engine is Engine.COMPILED else {}
    found = {"cpu": answer.cpu[:_TEXT_LIMIT], "engine": str(run.engine), **compiled}
    return found | versions_of(run.engine, run.framework)


def _audited(artifact: Artifact, weights: bytes) -> bytes:
    """Trained weights, if they are the tensors that the audited graph names, and finite numbers; else none.

    Weights are extra: whatever is wrong with them, the run's result is valid.
    """
    try:
        read_trained(replace(artifact, weights=(weights,)))
    except ArtifactError:
        return b""
    return weights


def _stopped(run: Run, status: RunStatus, ending: Ending, limits: Limits) -> RunResult:
    return RunResult(run.key, run.seed, status, _limit_reason(status, limits), seconds=ending.seconds)


def _limit_reason(status: RunStatus, limits: Limits) -> str:
    """Stored runs are recognized by it: other words would train each of them again."""
    if status is RunStatus.TIMED_OUT:
        return f"not done after {limits.wall_seconds:g} seconds"
    return f"needs more than {limits.memory // MIB:,} MiB"


def still_holds(result: RunResult, assignment: Assignment) -> bool:
    """Whether a stored run need not be repeated: one that hit a limit is valid only under the same limit."""
    if result.status not in (RunStatus.TIMED_OUT, RunStatus.OUT_OF_MEMORY):
        return True
    return result.reason == _limit_reason(result.status, limits_of(assignment))


def limits_of(assignment: Assignment) -> Limits:
    """The limits of a training process."""
    return Limits(wall_seconds=assignment.limits.train_seconds, memory=assignment.limits.memory_mib * MIB)


def order_runs(runs: Sequence[Run]) -> list[Run]:
    """First results early: seed 0 of all, then the other seeds; each time the longest first, so the last are short."""
    return sorted(runs, key=first_results_early)


def first_results_early(run: Run) -> tuple[bool, int, int, str]:
    """The sort key of runs."""
    return run.seed > 0, -run.macs, run.seed, run.key
