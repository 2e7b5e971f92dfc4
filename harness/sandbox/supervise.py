"""The parent's monitoring of one running job: drain its pipes, enforce its limits, report how it ended."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from harness.jobs.ending import Ending, Limit
from harness.jobs.limits import MIB, Limits
from harness.records.errors import SandboxError

_POLL_SECONDS = 0.02
_MESSAGE = 1 << 13
_MOST_PROCESSORS = 1.5
_START_UP = 2.0
"""Every process has one thread that computes; more than these processors and seconds is taken from the others."""


@dataclass
class Watch:
    """One running job, and what the parent has seen of it so far.

    The `job` socket carries messages of the zygote (pid, exit status) and, until the walls are up, of the child, which
    closes its end before anyone else's code runs. `result` and `output` are read ends of pipes.
    """

    job: socket.socket
    result: int
    output: int
    limits: Limits
    started: float = field(default_factory=time.monotonic)
    process: int = 0
    pidfd: int = -1
    locked_seconds: float | None = None
    fault: str = ""
    report: dict[str, Any] | None = None
    frame: bytearray = field(default_factory=bytearray)
    text: bytearray = field(default_factory=bytearray)
    text_total: int = 0
    limit: Limit | None = None

    def wait(self) -> Ending:
        """Watch until the process has ended. Raises SandboxError when its walls did not hold."""
        try:
            self._run()
        finally:
            self._kill()
            if self.pidfd >= 0:
                os.close(self.pidfd)
        assert self.report is not None
        text = self.text.decode("utf-8", "replace")
        if self.locked_seconds is None:
            raise _no_walls(self.fault or text.strip()[-500:] or "the process ended before they were up")
        seconds, peak = time.monotonic() - self.started, self.report["peak_memory"]
        exit_code = os.waitstatus_to_exitcode(self.report["status"])
        return Ending(exit_code, self.limit, bytes(self.frame), text, seconds, peak, self.locked_seconds)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for item in (self.job, self.result, self.output):
                selector.register(item, selectors.EVENT_READ)
            while self.report is None or selector.get_map():
                ready: list[Any] = [
                    key.fileobj for key, _ in selector.select(_POLL_SECONDS if self.report is None else 0)
                ]
                if self.report is not None and not ready:
                    break  # a survivor may hold a pipe open forever
                for item in ready:
                    if not self._take(item):
                        selector.unregister(item)
                if self.report is None:
                    self._enforce()

    def _take(self, item: Any) -> bool:
        """Read what a socket or pipe holds; False once there will be no more."""
        if item is self.job:
            self._hear()
            return self.report is None
        data = os.read(item, MIB)
        if item == self.result:
            self._receive_result(data)
        else:
            self._receive_output(data)
        return bool(data)

    def _hear(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self.job, _MESSAGE, 1)
        if not message:
            raise SandboxError("the exit status of a process", "the zygote ended", "run the command again")
        content = json.loads(message)
        if "pid" in content:
            self.process, self.pidfd = content["pid"], descriptors[0]
        elif "status" in content:
            self.report = content
        else:
            self.locked_seconds, self.fault = content.get("locked"), content.get("fault", "")

    def _receive_result(self, data: bytes) -> None:
        self.frame += data
        if len(self.frame) > self.limits.result:
            self.limit = self.limit or Limit.RESULT

    def _receive_output(self, data: bytes) -> None:
        self.text_total += len(data)
        self.text += data[: max(0, self.limits.output_kept - len(self.text))]
        if self.text_total > self.limits.output:
            self.limit = self.limit or Limit.OUTPUT

    def _enforce(self) -> None:
        self.limit = self.limit or self._exceeded()
        if self.limit is not None:
            self._kill()

    def _exceeded(self) -> Limit | None:
        elapsed = time.monotonic() - self.started
        if elapsed > self.limits.wall_seconds:
            return Limit.WALL
        usage = _usage(self.process)
        if usage.memory > self.limits.memory:
            return Limit.MEMORY
        if usage.threads > self.limits.threads:
            return Limit.THREADS
        return Limit.PROCESSOR if usage.processor_seconds > _MOST_PROCESSORS * elapsed + _START_UP else None

    def _kill(self) -> None:
        """End the process, and what it may have started in its session, while the pid is still its own."""
        if self.pidfd < 0:
            return
        try:
            signal.pidfd_send_signal(self.pidfd, 0)
            os.killpg(self.process, signal.SIGKILL)
        except OSError:
            pass
        try:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        except OSError:
            pass


@dataclass(frozen=True)
class _Usage:
    threads: int = 0
    memory: int = 0
    processor_seconds: float = 0.0


def _usage(process: int) -> _Usage:
    """What a process uses now; nothing if it has ended. If only the main thread has ended, the others keep its memory,
    and the kernel reports it only under their ids."""
    fields = _stat(f"/proc/{process}/stat")
    if not fields:
        return _Usage()
    pages = int(fields[21])
    if fields[0] == b"Z":
        threads = [_stat(f"/proc/{process}/task/{thread}/stat") for thread in _threads(process)]
        pages = max((int(thread[21]) for thread in threads if thread), default=0)
    ticks = int(fields[11]) + int(fields[12])
    return _Usage(int(fields[17]), pages * os.sysconf("SC_PAGE_SIZE"), ticks / os.sysconf("SC_CLK_TCK"))


def _stat(path: str) -> list[bytes]:
    """The fields behind the name in a `stat` file of /proc, the state first; none if it has gone."""
    try:
        with open(path, "rb") as stat:
            return stat.read().rpartition(b")")[2].split()
    except OSError:
        return []


def _threads(process: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{process}/task")
    except OSError:
        return []


def _no_walls(found: str) -> SandboxError:
    advice = "run `harness doctor`; it says what this machine lacks and what follows"
    return SandboxError("walls around the process", found, advice)
