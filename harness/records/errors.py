"""All errors. Every error says what was expected, what was found and what to try."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the `harness` command. Those above 128 are 128 plus the number of a signal, as in shells."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    OUR_FAULT = 3
    HUNG_UP = 129
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


class HarnessError(Exception):
    """An error for a person to read; the command line shows its three parts and exits with `exit_code`."""

    exit_code = ExitCode.OUR_FAULT

    def __init__(self, expected: str, found: str, try_: str) -> None:
        super().__init__(f"expected {expected}; found {found}; try: {try_}")
        self.expected = expected
        self.found = found
        self.try_ = try_


class UsageError(HarnessError):
    """The request is invalid: a wrong path, option or assignment file."""

    exit_code = ExitCode.USAGE


class SubmissionError(HarnessError):
    """A submission is wrong in a way its author can fix. It becomes a failed check and never stops the batch.

    `check` is the name of the check that failed.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, check: str, expected: str, found: str, try_: str) -> None:
        super().__init__(expected, found, try_)
        self.check = check


class ArtifactError(HarnessError):
    """An exported artifact is not what the audit allows. `found` names the reason.

    `unsupported` is true where the artifact is well formed but uses an operator that the harness does not support.
    """

    def __init__(self, expected: str, found: str, try_: str, *, unsupported: bool = False) -> None:
        super().__init__(expected, found, try_)
        self.unsupported = unsupported


class DataError(HarnessError):
    """A data file is missing or is not the published one."""


class StoreError(HarnessError):
    """The result store cannot be read or written."""


class SandboxError(HarnessError):
    """A build or training process could not be started or watched; never the student's fault."""
