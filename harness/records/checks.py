"""All checks: the id of each, what it checks, and what decides its outcome.

The messages are where a check is made. Checks are referred to by id; docs/checks.md is generated from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any


class Decides(StrEnum):
    """The outcome of a check that found a problem."""

    ALWAYS = "always fails"
    MATCH = "fails if the model must match the reference"
    POLICY = "a finding: the assignment's `[findings]` decides"
    NOTHING = "never fails"
    OURS = "errored: never the submission's fault"


@dataclass(frozen=True)
class CheckKind:
    """One check: `looks_at` is a phrase without a period."""

    id: str
    looks_at: str
    decides: Decides = Decides.ALWAYS


def _finding(policy: str, looks_at: str) -> Any:
    """A finding with its default policy."""
    return field(default=policy, metadata={"looks_at": looks_at})


@dataclass(frozen=True)
class Findings:
    """The policy for each finding: with `fail` the row loses its place, `flag` only shows the finding."""

    pretrained: str = _finding(
        "fail", "what the model and the values inside of it tell before the first step, in any seed"
    )
    same_weights: str = _finding("flag", "whether seeds 0 and 1 start from different weights")
    unrepeatable: str = _finding("flag", "whether seed 0, built twice, starts from the same weights")
    source_data: str = _finding("flag", "numbers, strings and bytes in the code that defines the model, in bytes")
    hidden: str = _finding("fail", "numbers outside the parameters: buffers, constants, layers in a plain list")
    training_only: str = _finding("fail", "whether evaluation uses every parameter that is trained")
    evaluation: str = _finding("flag", "whether the model, when evaluated, draws random numbers or changes itself")
    unmoved: str = _finding("flag", "whether training changed every trainable weight, in at least one seed")
    batch_dependent: str = _finding("fail", "whether an image's answer depends on the rest of its batch")


KINDS: Mapping[str, CheckKind] = {
    kind.id: kind
    for kind in (
        CheckKind("source", "the files that were handed in: present, readable, and one of them defines the model"),
        CheckKind("framework", "whether the files import one framework, and whether the harness can run it"),
        CheckKind("import", "whether the entry file can be imported, and what was left out or modernized in it"),
        CheckKind("build", "whether the build ends with a result, within its limits"),
        CheckKind("model", "whether there is exactly one model, which can be built and is the same in every build"),
        CheckKind("forward", "whether the model takes images and returns ten numbers for each"),
        CheckKind("operators", "the operators of the exported graph; an unsupported one is errored"),
        CheckKind("artifact", "whether the export is complete: a graph, its labels and the weights that it names"),
        CheckKind("input", "the form in which the model takes images", Decides.NOTHING),
        CheckKind("output", "the last layer: ten outputs, and at most one softmax"),
        CheckKind("layer", "each layer of the reference, by its name: `layer C1`", Decides.MATCH),
        CheckKind("extra", "a layer that the reference does not have: `extra layer`", Decides.MATCH),
        CheckKind("parameters", "the number of parameters, compared with the reference", Decides.MATCH),
        CheckKind("trainable", "whether every parameter is trained", Decides.MATCH),
        CheckKind("unused", "whether every layer that is defined is used", Decides.MATCH),
        CheckKind("shared", "whether each layer has its own weights", Decides.MATCH),
        CheckKind("reference", "how an own design differs from the reference", Decides.NOTHING),
        CheckKind("size", "all numbers that the model computes with, compared with the assignment's `max_parameters`"),
        CheckKind("claims", "the author's own counts in PARAMETERS, compared with the layers", Decides.NOTHING),
        *(CheckKind(f.name, f.metadata["looks_at"], Decides.POLICY) for f in fields(Findings)),
        CheckKind("engine", "whether the compiled engine can train the model, where nothing else may", Decides.OURS),
        CheckKind("outputs", "whether a batch of any size gets one answer for each image"),
        CheckKind("training", "whether the loss stays finite and training ends within its limits"),
        CheckKind("image", "whether a picture given to `harness predict` can be read"),
        CheckKind("harness", "whether the harness itself could continue", Decides.OURS),
        CheckKind("store", "whether the stored results of a submission can be read", Decides.OURS),
    )
}
"""Each check by its id."""
