"""One submission from source to verdict: build in a process of its own, audit, measure, verify. No training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness import frames
from harness.artifact.audit import audit
from harness.assignment import Assignment, SafetyLimits
from harness.errors import ArtifactError, SandboxError
from harness.inputs import INPUT_FORMS
from harness.layers import layer_table
from harness.records import (
    Artifact,
    Check,
    Layer,
    LayerTable,
    ModelGraph,
    Outcome,
    Rejected,
    Shape,
    Submission,
    Verdict,
)
from harness.sandbox.launcher import Ending, Limit, Zygote
from harness.sandbox.limits import MIB, Limits
from harness.verify import judge

_TEXT_LIMIT = 2000


@dataclass(frozen=True)
class Examined:
    """A verdict, and the artifact to train where the build gave a proper one."""

    verdict: Verdict
    artifact: Artifact | None = None
    input_shape: Shape = ()


class _Ended(Exception):
    """The way through the stages ends here, with this check."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.name)
        self.check = check


def rejected(found: Rejected) -> Verdict:
    """The verdict on a submission that could not be taken in."""
    return Verdict(found.name, None, (found.check,))


def examine(
    submission: Submission, zygote: Zygote, seeds: Sequence[int], assignment: Assignment, reference: Sequence[Layer]
) -> Examined:
    """Build, audit, measure and verify one submission. Whatever happens becomes a check of the verdict."""
    limits = _limits(assignment.limits)
    try:
        artifact = _build(submission, zygote, seeds, limits)
        graph = _audit(artifact)
        table = layer_table(_measure(artifact, graph, zygote, limits))
    except _Ended as ended:
        return Examined(Verdict(submission.name, submission.framework, (ended.check,)))
    except SandboxError as error:
        check = Check("framework", Outcome.ERRORED, error.expected, error.found, error.try_)
        return Examined(Verdict(submission.name, submission.framework, (check,)))
    verdict = _verdict(submission, artifact, graph, table, assignment, reference)
    return Examined(verdict, artifact, graph.input_shape)


def _verdict(
    submission: Submission,
    artifact: Artifact,
    graph: ModelGraph,
    table: LayerTable,
    assignment: Assignment,
    reference: Sequence[Layer],
) -> Verdict:
    judgement = judge(
        table,
        graph.input_shape,
        submission.framework,
        reference,
        must_match=assignment.must_match(submission.name),
        max_parameters=assignment.max_parameters,
    )
    built = Check("model", Outcome.PASSED, found=artifact.entry)
    return Verdict(
        submission=submission.name,
        framework=submission.framework,
        checks=(built, *judgement.checks),
        entry=artifact.entry,
        input_form=INPUT_FORMS[graph.input_shape],
        output_kind=table.output_kind,
        fingerprint=graph.fingerprint,
        weight_digests=artifact.weight_digests(),
        layers=table.layers,
        parameters=table.parameters,
        macs=table.macs,
        matches_reference=judgement.matches_reference,
    )


def _limits(limits: SafetyLimits) -> Limits:
    return Limits(wall_seconds=limits.build_seconds, memory=limits.memory_mib * MIB)


def _build(submission: Submission, zygote: Zygote, seeds: Sequence[int], limits: Limits) -> Artifact:
    header = {
        "framework": submission.framework,
        "entry": submission.entry,
        "paths": [file.path for file in submission.files],
        "seeds": list(seeds),
    }
    blobs = {f"source/{index}": file.content for index, file in enumerate(submission.files)}
    answer, parts = _answer(zygote.run("build", header, blobs, limits), limits)
    try:
        weights = tuple(bytes(parts[f"weights/{index}"]) for index in range(len(seeds)))
        graph, labels = bytes(parts["graph"]), bytes(parts["labels"])
    except KeyError as missing:
        found = f"a result without {missing}"
        raise _Ended(Check("artifact", Outcome.FAILED, "graph, labels and weights", found, _PLAIN)) from None
    entry, form = _text(answer.get("entry")), _text(answer.get("input_form"))
    return Artifact(submission.framework, graph, labels, weights, entry, form)


_PLAIN = "hand in a plain model definition"


def _answer(ending: Ending, limits: Limits) -> tuple[dict[str, Any], dict[str, memoryview]]:
    """The result of a build that ended well. Raises _Ended with the check that says how it ended instead."""
    if ending.limit is not None:
        raise _Ended(_limit_check(ending.limit, limits))
    if not ending.frame:
        raise _Ended(_no_result(ending))
    try:
        header, blobs = frames.decode(ending.frame)
    except ArtifactError as error:
        raise _Ended(Check("artifact", Outcome.FAILED, error.expected, error.found, error.try_)) from None
    if header.get("ok") is True:
        return header, blobs
    if header.get("out_of_memory"):
        raise _Ended(_limit_check(Limit.MEMORY, limits))
    parts = (_text(header.get(name)) for name in ("expected", "found", "try"))
    raise _Ended(Check(_text(header.get("check")) or "build", Outcome.FAILED, *parts))


def _text(value: object) -> str:
    return value[:_TEXT_LIMIT] if isinstance(value, str) else ""


def _limit_check(limit: Limit, limits: Limits) -> Check:
    expected, found, try_ = {
        Limit.WALL: (
            f"a model within {limits.wall_seconds:g} seconds",
            "the build did not end",
            "remove endless loops, training, input() and sleep: the file must only define the model",
        ),
        Limit.MEMORY: (
            f"a build in at most {limits.memory // MIB:,} MiB of memory",
            "more memory was taken",
            "make the model smaller, and load no data in the file",
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


def _no_result(ending: Ending) -> Check:
    """Code 70 is our own worker's: an exception nobody foresaw, and so not the student's fault."""
    how = ending.describe_exit()
    if how.endswith("code 70"):
        last = (ending.output.strip().splitlines() or ["no message"])[-1][:400]
        return Check("build", Outcome.ERRORED, "a build that the harness can follow", last, "report this to the staff")
    found = f"the process ended before it gave a model: {how}"
    return Check("build", Outcome.FAILED, "a model", found, "remove calls that end the program, such as os._exit()")


def _audit(artifact: Artifact) -> ModelGraph:
    try:
        return audit(artifact)
    except ArtifactError as error:
        if error.unsupported:
            raise _Ended(Check("operators", Outcome.ERRORED, error.expected, error.found, error.try_)) from None
        raise _Ended(Check("artifact", Outcome.FAILED, error.expected, error.found, error.try_)) from None


def _measure(artifact: Artifact, graph: ModelGraph, zygote: Zygote, limits: Limits) -> ModelGraph:
    """Shapes come from running the audited graph in a process that never saw the student's code."""
    blobs = {"graph": artifact.graph, "weights": artifact.weights[0]}
    header, _ = _answer(zygote.run("measure", {"framework": artifact.framework}, blobs, limits), limits)
    shapes: dict[str, Shape] = {name: tuple(shape) for name, shape in header["shapes"].items()}
    return graph.with_shapes(shapes)
