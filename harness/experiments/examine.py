"""One submission from source to verdict: build in its own process, audit, validate, verify. No training."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from harness.artifact.audit import Audited, audit, audit_statement, audit_weights_of
from harness.artifact.weights import views
from harness.engine.coverage import not_covered
from harness.experiments.agreement import Agreement, agreement_key, validation
from harness.jobs.build import BUILD, EXPLAIN, BuildAnswer, BuildRequest, ProgramAnswer
from harness.jobs.ending import Crashed, Ending, Limit, LimitMet, NoAnswer, Refused, Why, answer_in
from harness.jobs.job import Job
from harness.jobs.limits import MIB, Limits
from harness.jobs.validate import ValidateAnswer
from harness.language.graph import ModelGraph
from harness.model.claims import claims_checks, judged
from harness.model.table import layer_table
from harness.model.verify import by_reference_name, judge
from harness.records.artifact import Artifact
from harness.records.check import Check, Outcome
from harness.records.errors import ArtifactError, SandboxError
from harness.records.graph import Shape
from harness.records.inputs import INPUT_FORMS
from harness.records.layer import LayerTable
from harness.records.reference import Reference
from harness.records.submission import Rejected, Submission
from harness.records.verdict import Verdict
from harness.sandbox.job import Launcher
from harness.scoring.findings import of_graph, source_data, under_policy
from harness.scoring.start import start_checks
from harness.tasks.assignment import Assignment, SafetyLimits

Answer = TypeVar("Answer")
_TEXT_LIMIT = 2000
_MAX_NOTES = 30
_MOST_LITERALS = 1 << 30


@dataclass(frozen=True)
class Examined:
    """A verdict; if the build returned a valid model, the artifact to train, and how its translation agreed if that was
    not known."""

    verdict: Verdict
    artifact: Artifact | None = None
    input_shape: Shape = ()
    agreement: Agreement | None = None


class _Ended(Exception):
    """The examination ends here, with this check."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.name)
        self.check = check


def rejected(found: Rejected) -> Verdict:
    """The verdict on a submission that could not be read."""
    return Verdict(found.name, None, (found.check,))


def examine(
    submission: Submission,
    zygote: Launcher,
    seeds: Sequence[int],
    assignment: Assignment,
    reference: Reference,
    *,
    together: bool = False,
    agreed: Container[str] = (),
) -> Examined:
    """Build, audit, validate and verify one submission. Whatever happens becomes a check of the verdict.

    Translations that are `agreed` on are not validated again.
    The first seed is built in a process of its own, and all seeds in another one, one after the other or both
    `together`. A second seed is built in any case, to see whether the weights depend on the seed and on nothing else.
    """
    limits = _limits(assignment.limits)
    try:
        others = [1] if len(seeds) == 1 else seeds[1:]
        built, audited = _build(submission, zygote, [seeds[0], *others], limits, together=together)
        *weights, again = built.weights
        graph, artifact = audited.model, replace(audited.artifact, weights=tuple(weights[: len(seeds)]))
        with _refusals_told():
            starts = [dict(views(blob)) for blob in built.weights]
            table = layer_table(graph, assignment.max_hidden_numbers, starts)
            verdict = _verdict(submission, artifact, graph, table, assignment, reference)
            findings = of_graph(graph)
        trainable = [tensor for tensor in graph.tensors if tensor.trainable]
        start = start_checks(trainable, graph.framework, weights[0], weights[1], again)
        findings = (*findings, *start, source_data(built.literals, built.literal_places))
        verdict = under_policy(replace(verdict, checks=(*verdict.checks, *findings)), assignment.findings)
        agreement = _validated(audited, built, zygote, limits, agreed)
    except _Ended as ended:
        return _unfinished(submission, ended.check)
    except SandboxError as error:
        return _unfinished(submission, Check("framework", Outcome.ERRORED, error.expected, error.found, error.try_))
    except Exception as error:  # one submission never stops the batch, even with errors we did not foresee
        return Examined(unforeseen(submission, error))
    return Examined(verdict, artifact, graph.input_shape, agreement)


def unforeseen(submission: Submission, error: Exception) -> Verdict:
    """The verdict if the harness itself raised an unexpected error."""
    found = f"{type(error).__name__}: {error}"[:_TEXT_LIMIT]
    check = Check("harness", Outcome.ERRORED, _OUR_FAULT[0], found, _OUR_FAULT[1])
    return Verdict(submission.name, submission.framework, (check,))


_OUR_FAULT = ("a model that the harness can process", "show this to the course staff: it is not your fault")


def _unfinished(submission: Submission, check: Check) -> Examined:
    return Examined(Verdict(submission.name, submission.framework, (check,)))


def _verdict(
    submission: Submission,
    artifact: Artifact,
    graph: ModelGraph,
    table: LayerTable,
    assignment: Assignment,
    reference: Reference,
) -> Verdict:
    judgment = judge(
        table,
        graph.input_shape,
        submission.framework,
        reference,
        must_match=assignment.must_match(submission.name),
        max_parameters=assignment.max_parameters,
    )
    built = Check("model", Outcome.PASSED, found=artifact.entry)
    statement = audit_statement(artifact.statement)
    claims = judged(statement, table.layers, by_reference_name(table.layers, graph.input_shape, reference))
    return Verdict(
        submission=submission.name,
        framework=submission.framework,
        checks=(
            *_read_as((*submission.notes, *artifact.notes)),
            built,
            *judgment.checks,
            *claims_checks(statement, claims),
        ),
        entry=artifact.entry,
        input_form=INPUT_FORMS[graph.input_shape],
        output_kind=table.output_kind,
        fingerprint=graph.fingerprint,
        weight_digests=artifact.weight_digests(),
        layers=table.layers,
        parameters=table.parameters,
        macs=table.macs,
        matches_reference=judgment.matches_reference,
        claims=claims,
        uncovered=not_covered(graph, assignment.budget.batch_size)[:_TEXT_LIMIT],
    )


def _read_as(notes: Sequence[str]) -> tuple[Check, ...]:
    """Notes on what was left out of the source or translated, if any."""
    return tuple(Check("import", Outcome.PASSED, found=note) for note in notes)


def _limits(limits: SafetyLimits) -> Limits:
    return Limits(wall_seconds=limits.build_seconds, memory=limits.memory_mib * MIB)


def _build(
    submission: Submission, zygote: Launcher, seeds: Sequence[int], limits: Limits, *, together: bool
) -> tuple[Artifact, Audited]:
    """The artifact of all seeds, with the first once more at the end, as it was built and audited.

    Every build must give the same graph. The first seed is built alone, and again after the others in a process that
    knows nothing of that. It is audited while the others still go on, if all are built `together`.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        start = pool.submit if together else _at_once
        alone = start(_build_seeds, submission, zygote, seeds[:1], limits)
        others = start(_build_seeds, submission, zygote, [*seeds[1:], seeds[0]], limits)
        first = alone.result()
        with _refusals_told():
            audited = audit(first)
        weights = _of_same_graph(first, others.result())
    with _refusals_told():  # they are as untrusted as those of the first
        audit_weights_of(audited.model, weights)
    return replace(first, weights=(*first.weights, *weights)), audited


def _validated(
    audited: Audited, original: Artifact, zygote: Launcher, limits: Limits, agreed: Container[str]
) -> Agreement | None:
    """How far the translation and the original are apart; None if they are known to agree. Raises _Ended for one that
    does not agree: that is our fault, and such a model is never graded."""
    key = agreement_key(audited, original)
    if key in agreed:
        return None
    try:
        answer = answer_in(zygote.run(validation(audited, original, limits)), ValidateAnswer)
    except NoAnswer as error:
        raise _not_compared(_reason_of(error.why)) from None
    except ArtifactError as error:
        raise _not_compared(error.found) from None
    if not answer.agrees:
        raise _not_compared(f"a difference ({answer.worst})")
    return Agreement(key, answer)


def _not_compared(found: str) -> _Ended:
    expected = "the same results from the model and from its translation into the harness's operators"
    return _Ended(Check("operators", Outcome.ERRORED, expected, found[:_TEXT_LIMIT], _OUR_FAULT[1]))


def _reason_of(why: Why) -> str:
    if isinstance(why, LimitMet):
        return f"no comparison: it takes more {why.limit} than a model may use"
    return why.error if isinstance(why, Crashed) else why.found if isinstance(why, Refused) else why.exit


def _of_same_graph(first: Artifact, other: Artifact) -> tuple[bytes, ...]:
    """The weights of another build; the submission fails unless it gave the same graph."""
    if other.graph != first.graph:
        found = "a different graph when it was built again"
        raise _Ended(Check("model", Outcome.FAILED, "the same model in every build", found, _NO_CHANCE))
    return other.weights


def _at_once(function: Callable[..., Artifact], *arguments: Any) -> Future[Artifact]:
    """Do it now and here; an error comes at once, and nothing after it is begun."""
    done: Future[Artifact] = Future()
    done.set_result(function(*arguments))
    return done


def _build_seeds(submission: Submission, zygote: Launcher, seeds: Sequence[int], limits: Limits) -> Artifact:
    """The artifact of some seeds. One process builds as many as it can, which are usually all; another one the rest."""
    built = _build_some(submission, zygote, seeds, limits)
    while left := seeds[len(built.weights) :]:
        more = _build_some(submission, zygote, left, limits)
        built = replace(built, weights=(*built.weights, *_of_same_graph(built, more)))
    return built


def _build_some(submission: Submission, zygote: Launcher, seeds: Sequence[int], limits: Limits) -> Artifact:
    """One build process: its time grows with the seeds that it is asked for. It must build at least the first."""
    job = Job.of(BUILD, BuildRequest.of(submission, seeds), _for_seeds(limits, len(seeds)))
    answer = _answer(zygote.run(job), BuildAnswer, limits)
    with _refusals_told():
        if not 1 <= len(answer.weights) <= len(seeds):
            expected, found = f"weights of 1 to {len(seeds)} seeds", str(len(answer.weights))
            raise ArtifactError(expected, found, "remove code that changes the harness")
    return Artifact(
        framework=submission.framework,
        graph=answer.graph,
        labels=answer.labels,
        weights=answer.weights,
        entry=answer.entry[:_TEXT_LIMIT],
        statement=answer.statement,
        notes=_notes(answer.notes),
        literals=max(0, min(answer.literals, _MOST_LITERALS)),
        literal_places=_notes(answer.literal_places),
    )


def _for_seeds(limits: Limits, count: int) -> Limits:
    return replace(limits, wall_seconds=limits.wall_seconds * count)


def program_of(submission: Submission, zygote: Launcher, limits: SafetyLimits) -> str:
    """The program that would run, as text, or why there is none. Nothing of it runs; it is parsed behind walls."""
    job = Job.of(EXPLAIN, BuildRequest.of(submission), _limits(limits))
    try:
        answer = _answer(zygote.run(job), ProgramAnswer, job.limits)
    except _Ended as ended:
        check = ended.check
        return f"expected {check.expected}\nfound    {check.found}\ntry      {check.try_}\n"
    notes = "".join(f"# {note}\n" for note in _notes(answer.notes))
    return notes + answer.program.decode("utf-8", "replace")


def _notes(notes: Sequence[str]) -> tuple[str, ...]:
    """A builder's notes on the source: text to show, as many lines as fit."""
    return tuple(note[:_TEXT_LIMIT] for note in notes[:_MAX_NOTES])


_NO_CHANCE = "build the layers without random choices: only their weights may be random"


def _answer(ending: Ending, kind: type[Answer], limits: Limits) -> Answer:
    """The answer of a job about a submission. Raises _Ended with the check that says how it ended instead."""
    with _refusals_told():
        try:
            return answer_in(ending, kind)
        except NoAnswer as error:
            raise _Ended(_no_answer(error.why, limits)) from None


def _no_answer(why: Why, limits: Limits) -> Check:
    """The check for a submission whose job gave no answer."""
    if isinstance(why, LimitMet):
        return _limit_check(why.limit, limits)
    if isinstance(why, Crashed):
        return Check("harness", Outcome.ERRORED, _OUR_FAULT[0], why.error, _OUR_FAULT[1])
    if isinstance(why, Refused):
        return Check(why.check or "build", Outcome.FAILED, why.expected, why.found, why.try_)
    found = f"the process ended before it returned a model: {why.exit}"
    return Check("build", Outcome.FAILED, "a model", found, "remove calls that end the program, such as os._exit()")


def _limit_check(limit: Limit, limits: Limits) -> Check:
    expected, found, try_ = {
        Limit.WALL: (
            f"a model within {limits.wall_seconds:g} seconds",
            "the build did not end",
            "remove endless loops, training, input() and sleep: the file must only define the model",
        ),
        Limit.MEMORY: (
            f"a build in at most {limits.memory // MIB:,} MiB of memory",
            "more memory was used",
            "make the model smaller, and load no data in the file",
        ),
        Limit.THREADS: (
            f"a build with at most {limits.threads} threads",
            "more were started",
            "start no threads: the file must only define the model",
        ),
        Limit.PROCESSOR: (
            "a build on one processor",
            "more processor time than one provides",
            "start no threads: the file must only define the model",
        ),
        Limit.OUTPUT: (
            f"at most {limits.output // MIB} MiB of printed text",
            "more was printed",
            "remove the print calls",
        ),
        Limit.RESULT: (
            f"a model of at most {limits.result // MIB} MiB",
            "a larger one",
            "make the model smaller",
        ),
    }[limit]
    return Check("build", Outcome.FAILED, expected, found, try_)


@contextmanager
def _refusals_told() -> Iterator[None]:
    """An audit refusal becomes the check that ends the examination."""
    try:
        yield
    except ArtifactError as error:
        if error.unsupported:
            raise _Ended(Check("operators", Outcome.ERRORED, error.expected, error.found, error.try_)) from None
        raise _Ended(Check("artifact", Outcome.FAILED, error.expected, error.found, error.try_)) from None
