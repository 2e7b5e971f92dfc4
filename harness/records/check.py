"""A check and its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a check ended. `errored` means that the harness could not examine it; `flagged`, that it found something
    which the assignment allows."""

    PASSED = "passed"
    FLAGGED = "flagged"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERRORED = "errored"


@dataclass(frozen=True)
class Check:
    """What was checked and the result, in the words that the submission's author reads.

    `id` is one of `harness/records/checks.py`, `about` says which of several things it is about: the layer C1. A check
    with a `brief`, such as `91.3 %`, is a finding: the assignment decides whether it fails or flags.
    """

    id: str
    outcome: Outcome
    expected: str = ""
    found: str = ""
    try_: str = ""
    brief: str = ""
    about: str = ""

    @property
    def name(self) -> str:
        """The name that people read: `parameters`, `layer C1`."""
        return f"{self.id} {self.about}" if self.about else self.id

    def as_dict(self) -> dict[str, str]:
        """The form that `--json` prints; `try_` is spelled `try`."""
        return {
            "id": self.id,
            "name": self.name,
            "outcome": str(self.outcome),
            "expected": self.expected,
            "found": self.found,
            "try": self.try_,
        }
