"""Build a submission from some seeds, or only show the program that would run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.framework import Framework
from harness.records.submission import SourceFile, Submission

BUILD, EXPLAIN = "build", "explain"


@dataclass(frozen=True)
class BuildRequest:
    """A submission's sources, and the seeds to build it from; `contents` are the bytes of the files at `paths`."""

    framework: Framework
    entry: str
    hint: str
    seeds: tuple[int, ...]
    paths: tuple[str, ...]
    contents: tuple[bytes, ...]

    @classmethod
    def of(cls, submission: Submission, seeds: Sequence[int] = (0,)) -> BuildRequest:
        """The request for a submission."""
        paths, contents = tuple(f.path for f in submission.files), tuple(f.content for f in submission.files)
        return cls(submission.framework, submission.entry, submission.hint, tuple(seeds), paths, contents)

    @property
    def files(self) -> list[SourceFile]:
        """The sources."""
        return [SourceFile(path, content) for path, content in zip(self.paths, self.contents, strict=True)]


@dataclass(frozen=True)
class BuildAnswer:
    """The result of a build: the graph and the student's names for its parts, initial weights, and PARAMETERS.

    There are weights for the first of the requested seeds, and for as many of the next ones as one process can build;
    another process continues with the rest. `notes` say how the source was read. `literals` are the bytes of data in
    the source, `literal_places` where most are. All of it comes from a process that ran student code.
    """

    entry: str
    notes: tuple[str, ...]
    graph: bytes
    labels: bytes
    weights: tuple[bytes, ...]
    statement: bytes
    literals: int
    literal_places: tuple[str, ...]


@dataclass(frozen=True)
class ProgramAnswer:
    """The program that would run, as text, and how the source was read."""

    notes: tuple[str, ...]
    program: bytes
