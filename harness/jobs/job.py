"""A job as data: a process on this machine can do it, or it can be sent to another machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.jobs import wire
from harness.jobs.limits import Limits


@dataclass(frozen=True)
class Job:
    """The job's name, its request as a frame, and the limits of the process that does it."""

    name: str
    request: bytes
    limits: Limits

    @classmethod
    def of(cls, name: str, request: Any, limits: Limits) -> Job:
        """The job of a typed request."""
        return cls(name, wire.encode(request), limits)
