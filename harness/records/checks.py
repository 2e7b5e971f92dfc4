"""Every check there is: its id, what it looks at, and who decides what becomes of it.

Its messages stand where it is made. Whatever refers to a check refers to its id; docs/checks.md is written from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any


class Decides(StrEnum):
    """What becomes of a check that found something."""

    ALWAYS = "always fails"
    MATCH = "fails where the model must match the reference"
    POLICY = "a finding: `[findings]` of the assignment decides"
    NOTHING = "fails nothing"
    OURS = "never the submission's fault: errored"


@dataclass(frozen=True)
class CheckKind:
    """One check: `looks_at` is a sentence without its full stop."""

    id: str
    looks_at: str
    decides: Decides = Decides.ALWAYS


def _finding(policy: str, looks_at: str) -> Any:
    """A finding with its default policy."""
    return field(default=policy, metadata={"looks_at": looks_at})


@dataclass(frozen=True)
class Findings:
    """What becomes of each finding: `fail` takes a row its place, `flag` only shows what was found."""

    pretrained: str = _finding("fail", "accuracy on held-out training images before the first step, in any seed")
    same_weights: str = _finding("flag", "whether seeds 0 and 1 start from other weights")
    unrepeatable: str = _finding("flag", "whether seed 0, built twice, starts from the same weights")
    hidden: str = _finding("fail", "numbers outside of the parameters: buffers, constants, layers in a plain list")
    unmoved: str = _finding("flag", "whether training moved every trainable weight, in some seed")
    batch_dependent: str = _finding("fail", "whether an image's answer depends on the rest of its batch")


KINDS: Mapping[str, CheckKind] = {
    kind.id: kind
    for kind in (
        CheckKind("source", "the files that were handed in: present, readable, one of them defines the model"),
        CheckKind("framework", "whether the files import one framework, and whether the harness can run it"),
        CheckKind("import", "whether the entry file can be imported, and what of it was left out or read in new words"),
        CheckKind("build", "whether the build ends within its limits with a result"),
        CheckKind("model", "whether there is one model, which can be built and is the same in every build"),
        CheckKind("forward", "whether the model takes images and gives ten numbers for each"),
        CheckKind("operators", "the operators of the exported graph; one that the harness does not know is errored"),
        CheckKind("artifact", "whether the export is whole: a graph, its labels and the weights that it names"),
        CheckKind("input", "the form in which the model takes images", Decides.NOTHING),
        CheckKind("output", "the last layer: ten outputs, and one softmax at most"),
        CheckKind("layer", "each layer of the reference, by its name: `layer C1`", Decides.MATCH),
        CheckKind("extra", "a layer that the reference does not have: `extra layer`", Decides.MATCH),
        CheckKind("parameters", "the number of parameters, against that of the reference", Decides.MATCH),
        CheckKind("trainable", "whether every parameter is trained", Decides.MATCH),
        CheckKind("unused", "whether every layer that is defined is used", Decides.MATCH),
        CheckKind("shared", "whether each layer has its own weights", Decides.MATCH),
        CheckKind("reference", "how an own design differs from the reference", Decides.NOTHING),
        CheckKind("size", "all numbers that the model computes with, against `max_parameters` of the assignment"),
        CheckKind("claims", "the author's own counts in PARAMETERS, against the layers", Decides.NOTHING),
        *(CheckKind(f.name, f.metadata["looks_at"], Decides.POLICY) for f in fields(Findings)),
        CheckKind("outputs", "whether a batch of any size gets one answer for each image"),
        CheckKind("training", "whether the loss stays finite and training ends within its limits"),
        CheckKind("image", "whether a picture given to `harness predict` can be read"),
        CheckKind("harness", "whether the harness itself could go on", Decides.OURS),
        CheckKind("store", "whether what is stored of a submission can be read", Decides.OURS),
    )
}
"""Each check by its id."""
