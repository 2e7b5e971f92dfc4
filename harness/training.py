"""The controller's side of training: which runs a board needs, and what came of each. Sees no test label."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cattrs

from harness import frames
from harness.assignment import Assignment, Budget
from harness.datasets.mnist import DIGEST, Dataset
from harness.errors import ArtifactError, SandboxError
from harness.records import Artifact, Curve, Framework, OutputKind, RunResult, RunStatus, Shape, Verdict
from harness.sandbox.launcher import Ending, Limit, SharedInput, Zygote
from harness.sandbox.limits import MIB, Limits
from harness.versions import TRAINING_VERSION, cpu_model, library_versions

STORED = {RunStatus.DONE, RunStatus.DIVERGED, RunStatus.TIMED_OUT, RunStatus.OUT_OF_MEMORY}
"""Endings that belong to the model and are kept; a crash is ours, and is tried again next time."""


@dataclass(frozen=True)
class Run:
    """One training run to do: a seed's initial weights of an audited artifact."""

    key: str
    seed: int
    artifact: Artifact
    input_shape: Shape
    output_kind: OutputKind
    macs: int


def run_keys(verdict: Verdict, framework: Framework, budget: Budget) -> list[str]:
    """The key of each seed's run: SHA-256 of graph, weights, budget, seed, data and library versions."""
    common = [verdict.fingerprint, budget.run_digest, DIGEST, TRAINING_VERSION, library_versions(framework)]
    return [
        hashlib.sha256(json.dumps([*common, seed, weights], sort_keys=True).encode()).hexdigest()
        for seed, weights in enumerate(verdict.weight_digests)
    ]


def share_data(dataset: Dataset, budget: Budget) -> SharedInput:
    """What every trainer may see, in memory that all of them map: no test labels."""
    held_out = len(dataset.train_labels) - budget.validation_images
    arrays = {
        "train_images": dataset.train_images[: budget.train_images],
        "train_labels": dataset.train_labels[: budget.train_images],
        "validation_images": dataset.train_images[held_out:],
        "validation_labels": dataset.train_labels[held_out:],
        "test_images": dataset.test_images,
    }
    return SharedInput({}, {name: array.tobytes() for name, array in arrays.items()})


def train_one(run: Run, zygote: Zygote, data: SharedInput, assignment: Assignment) -> RunResult:
    """Train one run in a process of its own. Time-out, lack of memory and divergence are results."""
    budget = assignment.budget
    limits = Limits(wall_seconds=assignment.limits.train_seconds, memory=assignment.limits.memory_mib * MIB)
    blobs = {"graph": run.artifact.graph, "weights": run.artifact.weights[run.seed]}
    try:
        ending = zygote.run("train", _header(run, budget), blobs, limits, [data])
    except SandboxError as error:
        return RunResult(run.key, run.seed, RunStatus.CRASHED, error.found)
    status, reason, header, predictions = _read(ending, limits)
    return RunResult(
        key=run.key,
        seed=run.seed,
        status=status,
        reason=reason,
        predictions=predictions,
        curve=cattrs.structure(header.get("curve", {}), Curve),
        seconds=float(header.get("seconds", ending.seconds)),
        peak_memory=ending.peak_memory,
        environment={"cpu": cpu_model(), **library_versions(run.artifact.framework)},
    )


def _header(run: Run, budget: Budget) -> dict[str, Any]:
    names = ("learning_rate", "momentum", "beta_1", "beta_2", "epsilon")
    return {
        "framework": run.artifact.framework,
        "output_kind": run.output_kind,
        "seed": run.seed,
        "input_shape": list(run.input_shape),
        "optimizer": {"name": budget.optimizer, **{name: getattr(budget, name) for name in names}},
        "schedule": {"epochs": budget.epochs, "batch_size": budget.batch_size},
    }


def _read(ending: Ending, limits: Limits) -> tuple[RunStatus, str, dict[str, Any], bytes]:
    """Status, reason, header and predictions of an ended trainer."""
    if ending.limit is Limit.WALL:
        return RunStatus.TIMED_OUT, f"not done after {limits.wall_seconds:g} seconds", {}, b""
    if ending.limit is Limit.MEMORY:
        return RunStatus.OUT_OF_MEMORY, f"needs more than {limits.memory // MIB:,} MiB", {}, b""
    try:
        header, blobs = frames.decode(ending.frame)
    except ArtifactError:
        last = (ending.output.strip().splitlines() or [""])[-1][:400]
        return RunStatus.CRASHED, f"{ending.describe_exit()} {last}".strip(), {}, b""
    if header.get("out_of_memory"):
        return RunStatus.OUT_OF_MEMORY, f"needs more than {limits.memory // MIB:,} MiB", {}, b""
    return RunStatus(header["status"]), header["reason"], header, bytes(blobs["predictions"])


def order_runs(runs: Sequence[Run]) -> list[Run]:
    """First results early: seed by seed, and within a seed the longest first, so that the last are short."""
    return sorted(runs, key=lambda run: (run.seed, -run.macs, run.key))
