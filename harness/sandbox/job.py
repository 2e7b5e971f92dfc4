"""A job that runs in a process of its own: what goes in, who runs it, how it ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from harness.jobs import frames
from harness.sandbox.limits import Limits

FRAMEWORK_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(512 << 20),
}
"""What makes a framework compute alike wherever it runs: one thread, one processor, no chance in hashes, no chatter.

The last two let glibc keep freed memory: each step needs the same sizes again, and to have the kernel give and zero
them anew costs up to a third of a step, or nothing, as the heap happens to lie.
"""


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
    """How a job ended. `frame` is its result as bytes, not yet believed; `limit` is set when we ended it.

    `exit_code` is minus the signal's number where a signal ended it.
    `locked_seconds` is what the walls took to put up and to try, `seconds` everything from the fork on.
    """

    exit_code: int
    limit: Limit | None
    frame: bytes
    output: str
    seconds: float
    peak_memory: int
    locked_seconds: float = 0.0

    def describe_exit(self) -> str:
        """The way the process went, in words."""
        if self.exit_code >= 0:
            return f"it exited with code {self.exit_code}"
        known = {number.value: number.name for number in signal.Signals}
        return f"it was ended by signal {known.get(-self.exit_code, -self.exit_code)}"

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether we ended it for its memory, or it could not get any."""
        return self.limit is Limit.MEMORY or "std::bad_alloc" in self.output


class SharedInput:
    """A frame that any number of jobs read. On Linux they map one sealed piece of memory instead of copying it."""

    def __init__(self, header: Mapping[str, Any], blobs: frames.Blobs) -> None:
        self._frame = frames.encode(header, blobs)
        self.descriptor = -1
        if hasattr(os, "memfd_create"):
            self._move_to_memory()

    def content(self) -> bytes:
        """The frame, copied."""
        return self._frame or os.pread(self.descriptor, os.fstat(self.descriptor).st_size, 0)

    def _move_to_memory(self) -> None:
        import fcntl

        self.descriptor = os.memfd_create("harness-input", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        with os.fdopen(os.dup(self.descriptor), "wb") as memory:
            memory.write(self._frame)
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, seals)
        self._frame = b""

    def close(self) -> None:
        """Give the memory back once no job maps it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)


class Launcher(Protocol):
    """Runs jobs of `harness.child.worker`, each in a process of its own. `run` may be called from several threads."""

    def run(
        self,
        job: str,
        header: Mapping[str, Any],
        blobs: frames.Blobs,
        limits: Limits,
        shared: Sequence[SharedInput] = (),
    ) -> Ending:
        """Run one job and wait for its end. Raises SandboxError where it could not even begin."""

    def close(self) -> None:
        """End every process."""
