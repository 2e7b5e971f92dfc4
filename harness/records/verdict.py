"""What `check` knows about a submission."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.check import Check, Outcome
from harness.records.claim import Claim
from harness.records.framework import Framework
from harness.records.graph import OutputKind
from harness.records.layer import Layer


@dataclass(frozen=True)
class Verdict:
    """Everything `check` knows about a submission: the recomputed table and each check's outcome.

    `uncovered` says why the compiled engine cannot train the model; it is empty where it can.
    """

    submission: str
    framework: Framework | None
    checks: tuple[Check, ...]
    entry: str = ""
    input_form: str = ""
    output_kind: OutputKind | None = None
    fingerprint: str = ""
    weight_digests: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    parameters: int | None = None
    macs: int | None = None
    matches_reference: bool = False
    claims: tuple[Claim, ...] = ()
    uncovered: str = ""

    @property
    def outcome(self) -> Outcome:
        """`errored` if any check errored, else `failed` if any failed, else `passed`."""
        outcomes = {check.outcome for check in self.checks}
        for outcome in (Outcome.ERRORED, Outcome.FAILED):
            if outcome in outcomes:
                return outcome
        return Outcome.PASSED
