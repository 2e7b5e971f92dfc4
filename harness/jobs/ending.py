"""How a job ended, and what that means: in one place for every command that waits for one."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from harness.jobs import frames, wire

Answer = TypeVar("Answer")
_TEXT_LIMIT = 2000


class Limit(StrEnum):
    """The limit that ended a process."""

    WALL = "time"
    MEMORY = "memory"
    THREADS = "threads"
    PROCESSOR = "processor"
    OUTPUT = "output"
    RESULT = "result"


@dataclass(frozen=True)
class Ending:
    """How a job ended. `frame` is its result as untrusted bytes; `limit` is set when we ended it.

    `exit_code` is minus the signal's number where a signal ended it. `locked_seconds` is the time to set up and test
    the walls, `seconds` everything from the fork on.
    """

    exit_code: int
    limit: Limit | None
    frame: bytes
    output: str
    seconds: float
    peak_memory: int
    locked_seconds: float = 0.0

    def describe_exit(self) -> str:
        """How the process ended, in words."""
        if self.exit_code >= 0:
            return f"it exited with code {self.exit_code}"
        known = {number.value: number.name for number in signal.Signals}
        return f"it was ended by signal {known.get(-self.exit_code, -self.exit_code)}"

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether we ended it because of its memory, or it could not allocate any."""
        return self.limit is Limit.MEMORY or "std::bad_alloc" in self.output


@dataclass(frozen=True)
class LimitMet:
    """The process hit a limit, or reported that it could not allocate more memory."""

    limit: Limit


@dataclass(frozen=True)
class Silent:
    """The process ended without an answer; `exit` says how, in words."""

    exit: str


@dataclass(frozen=True)
class Refused:
    """The job refused the submission. A child's words are only text to show."""

    check: str
    expected: str
    found: str
    try_: str


@dataclass(frozen=True)
class Crashed:
    """Our own code in the child hit an unforeseen error."""

    error: str


Why = LimitMet | Silent | Refused | Crashed


class NoAnswer(Exception):
    """A job ended without an answer; `why` says how."""

    def __init__(self, why: Why) -> None:
        super().__init__(repr(why))
        self.why = why


def answer_in(ending: Ending, kind: type[Answer]) -> Answer:
    """The answer of a successful job.

    Raises NoAnswer if it ended otherwise, and ArtifactError for a frame that is not an answer of this kind.
    """
    if ending.limit is not None or ending.ran_out_of_memory:
        raise NoAnswer(LimitMet(ending.limit or Limit.MEMORY))
    if not ending.frame:
        raise NoAnswer(Silent(ending.describe_exit()))
    header, blobs = frames.decode(ending.frame)
    if header.pop("ok", None) is not True:
        raise NoAnswer(_why_not(header))
    return wire.decode(kind, header, blobs)


def _why_not(header: dict[str, object]) -> Why:
    if header.get("out_of_memory"):
        return LimitMet(Limit.MEMORY)
    if "crash" in header:
        return Crashed(_text(header["crash"]))
    check, expected, found, try_ = (_text(header.get(name)) for name in ("check", "expected", "found", "try"))
    return Refused(check, expected, found, try_)


def _text(value: object) -> str:
    return value[:_TEXT_LIMIT] if isinstance(value, str) else ""


def answered(answer: object) -> bytes:
    """The frame of a successful job."""
    return wire.encode(answer, ok=True)


def refused(check: str, expected: str, found: str, try_: str) -> bytes:
    """The frame of a job that refuses."""
    parts = {"check": check, "expected": expected, "found": found, "try": try_}
    return frames.encode({"ok": False, **{name: str(text)[:_TEXT_LIMIT] for name, text in parts.items()}}, {})


def crashed(error: str) -> bytes:
    """The frame of a job in which our own code failed."""
    return frames.encode({"ok": False, "crash": error[:_TEXT_LIMIT]}, {})


def out_of_memory() -> bytes:
    """The frame of a job that could not allocate more memory."""
    return frames.encode({"ok": False, "out_of_memory": True}, {})
