"""Whether a translation computes what the framework's own graph does: asked once, and known from then on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from harness.artifact.audit import Audited
from harness.jobs.job import Job
from harness.jobs.limits import Limits
from harness.jobs.validate import VALIDATE, ValidateAnswer, ValidateRequest
from harness.records.artifact import Artifact
from harness.storage.versions import code_digest, library_versions


@dataclass(frozen=True)
class Agreement:
    """A translation that agrees with its original, and how far they are apart."""

    key: str
    answer: ValidateAnswer


def agreement_key(audited: Audited, original: Artifact) -> str:
    """SHA-256 of everything that an agreement depends on: both graphs, libraries, and our own code."""
    graph = hashlib.sha256(original.graph).hexdigest()
    facts = [graph, audited.model.fingerprint, library_versions(original.framework), code_digest()]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def validation(audited: Audited, original: Artifact, limits: Limits) -> Job:
    """The job that compares an original with its translation, at the initial weights of the first seed.

    In float64 it may use twice the memory of a build.
    """
    request = ValidateRequest(
        framework=original.framework,
        original=original.graph,
        graph=audited.artifact.graph,
        weights=original.weights[0],
        training_draws=dict(audited.training_draws),
        evaluation_draws=dict(audited.evaluation_draws),
    )
    return Job.of(VALIDATE, request, replace(limits, memory=2 * limits.memory))
