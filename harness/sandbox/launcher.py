"""The controller's side of a zygote: ask it for a child that does a job, and monitor that child. Linux only."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from harness.jobs.ending import Ending
from harness.jobs.job import Job
from harness.jobs.limits import Isolation, Limits
from harness.records.engine import Engine
from harness.records.errors import SandboxError
from harness.sandbox.job import FRAMEWORK_ENVIRONMENT, Imported, SharedInput
from harness.sandbox.supervise import Watch

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/dev/null",
    "LANG": "C.UTF-8",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUNBUFFERED": "1",
    **FRAMEWORK_ENVIRONMENT,
}
_START_SECONDS = 120.0
_NOTHING = b"\0"
"""Memory of no size cannot be mapped."""


class Zygote:
    """A process that forks a locked child for each job. `run` may be called from several threads at once.

    It has imported the framework, or the engine, so a job starts at once. A cold one (`warm=False`, or if the import
    started threads, which do not survive a fork) lets each child import it behind its walls; without either it can only
    try the walls. Without `walls` no child has any. Raises SandboxError when the import fails or the process does not
    start.
    """

    def __init__(self, imported: Imported | None, *, warm: bool = True, walls: bool = True) -> None:
        self.imported = imported
        self._has_walls = walls
        self._how = "warm" if warm and imported else "cold"
        self.is_warm = False
        self.no_namespaces = ""
        self._is_closed = False
        self._lock = threading.Lock()
        self._launch()

    def _launch(self) -> None:
        """Start the process; it is ready once it has said so."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = str(Path(__file__).resolve().parents[2])
        name = str(self.imported) if self.imported else "none"
        module = ["-s", "-P", "-B", "-m", "harness.sandbox.zygote"]
        command = [sys.executable, *module, name, str(theirs.fileno()), self._how]
        self._process = subprocess.Popen(
            command,
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**ENVIRONMENT, "PYTHONPATH": root},
            cwd="/",
            start_new_session=True,
        )
        theirs.close()
        self._ready = False

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote; its children die with it."""
        self._is_closed = True
        self._control.close()
        self._process.kill()
        self._process.wait()

    def run(self, job: Job, shared: Sequence[SharedInput] = ()) -> Ending:
        """Run one job of `harness.child.worker` in a forked child and wait for its end."""
        limits = job.limits if self._has_walls else replace(job.limits, isolation=Isolation.NONE)
        return self._fork(job.name, SharedInput(job.request), limits, shared)

    def try_walls(self, limits: Limits) -> Ending:
        """Lock a child in, self-test included, to do nothing. Raises SandboxError when a wall does not hold."""
        return self._fork(None, SharedInput(_NOTHING), limits)

    def start(self) -> None:
        """Wait until the zygote can fork; afterwards `is_warm` and `no_namespaces` (why there are none) are known.

        One that has ended, perhaps for lack of memory, is restarted: only the jobs in flight are lost.
        """
        with self._lock:
            if self._ready and not self._is_closed and self._process.poll() is not None:
                self._control.close()
                self._launch()
            if not self._ready:
                self._greet()

    def _fork(self, job: str | None, frame: SharedInput, limits: Limits, shared: Sequence[SharedInput] = ()) -> Ending:
        self.start()
        request = {"job": job, "limits": asdict(limits)}
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        result_read, result_write = os.pipe()
        output_read, output_write = os.pipe()
        inputs = [frame.descriptor, *(item.descriptor for item in shared)]
        try:
            self._send(json.dumps(request).encode(), [theirs.fileno(), result_write, output_write, *inputs])
        finally:
            theirs.close()
            for descriptor in (result_write, output_write):
                os.close(descriptor)
            frame.close()
        try:
            return Watch(mine, result_read, output_read, limits).wait()
        finally:
            mine.close()
            os.close(result_read)
            os.close(output_read)

    def _send(self, message: bytes, descriptors: list[int]) -> None:
        try:
            with self._lock:
                socket.send_fds(self._control, [message], descriptors)
        except OSError as error:
            raise SandboxError("a process to fork from", f"it has ended: {error}", "run the command again") from None

    def _greet(self) -> None:
        try:
            self._control.settimeout(_START_SECONDS)
            hello = json.loads(self._control.recv(1 << 16) or b"{}")
            self._control.settimeout(None)
        except (OSError, ValueError) as error:
            raise self._broken(str(error)) from None
        if not hello.get("ready"):
            raise self._broken(hello.get("reason", "the process ended while importing it"))
        self.is_warm, self.no_namespaces, self._ready = hello["warm"], hello["no_namespaces"], True

    def _broken(self, reason: str) -> SandboxError:
        if self.imported is None:
            return SandboxError("a process to fork from", reason, "run the command again")
        if self.imported is Engine.COMPILED:
            advice = 'install llvmlite again, or set engine = "framework" in [budget]'
            return SandboxError("a process that has imported the compiled engine", reason, advice)
        extra = self.imported.value
        return SandboxError(
            f"a process that has imported {extra}", reason, f'install it with: pip install "lenet-harness[{extra}]"'
        )
