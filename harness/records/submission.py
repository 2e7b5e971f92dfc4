"""What a student handed in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from harness.records.check import Check
from harness.records.framework import Framework


@dataclass(frozen=True)
class SourceFile:
    """One Python file or notebook of a submission: its path inside the submission and its bytes."""

    path: str
    content: bytes


@dataclass(frozen=True)
class Submission:
    """What a student handed in, read once. `entry` is the path of the file that defines the model, `hint` what its
    author or the instructor says the model is: `Net(classes=10)`. `notes` say how it was assembled."""

    name: str
    files: tuple[SourceFile, ...]
    entry: str
    framework: Framework
    hint: str = ""
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the framework, the hint and every file's path and bytes."""
        state = hashlib.sha256(f"{self.framework}\0{self.entry}\0{self.hint}".encode())
        for file in self.files:
            state.update(f"\0{file.path}\0{len(file.content)}\0".encode())
            state.update(file.content)
        return state.hexdigest()


@dataclass(frozen=True)
class Rejected:
    """A submission that could not be read; `check` says why."""

    name: str
    check: Check
