"""The launcher that runs a job in its own process, and the data that several jobs share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol

from harness.jobs.ending import Ending
from harness.jobs.job import Job
from harness.records.engine import Engine
from harness.records.framework import Framework

FRAMEWORK_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    **{name: value for framework in Framework for name, value in framework.facts.environment.items()},
    "CUDA_VISIBLE_DEVICES": "",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(512 << 20),
}
"""Settings that make a framework compute the same everywhere: one thread, one processor, no random hashes, no log
output.

The last two let glibc keep freed memory: each step needs the same sizes again, and having the kernel provide and zero
them each time costs up to a third of a step, depending on the heap.
"""


Imported = Framework | Engine
"""What a process has imported: a framework, or the compiled engine, which is `Engine.COMPILED`."""


class SharedInput:
    """A frame that any number of jobs read. On Linux they map one sealed memory file instead of copying it."""

    def __init__(self, frame: bytes) -> None:
        self._frame = frame
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
        """Free the memory once no job maps it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)


class Launcher(Protocol):
    """Runs jobs of `harness.child.worker`, each in its own process. `run` may be called from several threads."""

    def run(self, job: Job, shared: Sequence[SharedInput] = ()) -> Ending:
        """Run one job and wait for its end. Raises SandboxError if it could not start."""

    def close(self) -> None:
        """End every process."""
