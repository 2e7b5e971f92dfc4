"""Submissions written to disk and taken in, or refused with advice."""

from pathlib import Path

from harness.handins.discover import take_in
from harness.records.check import Check, Outcome
from harness.records.submission import Rejected, Submission

MODEL = "import torch\n"


def write(path: Path, content: str | bytes = MODEL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def accepted(path: Path) -> Submission:
    found = take_in(path)
    assert isinstance(found, Submission), found
    return found


def refused(path: Path) -> Check:
    found = take_in(path)
    assert isinstance(found, Rejected), found
    assert found.check.outcome is Outcome.FAILED
    assert found.check.expected
    assert found.check.try_
    return found.check
