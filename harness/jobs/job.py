"""A job as data: it can be done by a process of this machine, or travel to another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.jobs import wire
from harness.jobs.limits import Limits


@dataclass(frozen=True)
class Job:
    """What is asked for, by its name; the request as a frame; and what the process that does it may use."""

    name: str
    request: bytes
    limits: Limits

    @classmethod
    def of(cls, name: str, request: Any, limits: Limits) -> Job:
        """The job of a typed request."""
        return cls(name, wire.encode(request), limits)
