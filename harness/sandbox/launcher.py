"""The controller's side of a job: start it in a zygote, watch it, read its one result, say how it ended."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness import frames
from harness.errors import SandboxError
from harness.records import Framework
from harness.sandbox.limits import MIB, Limits

_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUNBUFFERED": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "",
}
_START_SECONDS = 120.0
_POLL_SECONDS = 0.02


class Limit(StrEnum):
    """The limit that ended a process."""

    WALL = "time"
    MEMORY = "memory"
    OUTPUT = "output"
    RESULT = "result"


@dataclass(frozen=True)
class Ending:
    """How a job ended. `frame` is its result as bytes, not yet believed; `limit` is set when we ended it."""

    status: int
    limit: Limit | None
    frame: bytes
    output: str
    seconds: float
    peak_memory: int

    def describe_exit(self) -> str:
        """The way the process went, in words."""
        code = os.waitstatus_to_exitcode(self.status)
        if code >= 0:
            return f"it exited with code {code}"
        known = {number.value: number.name for number in signal.Signals}
        return f"it was ended by signal {known.get(-code, -code)}"

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether we ended it for its memory, or it could not get any."""
        return self.limit is Limit.MEMORY or "std::bad_alloc" in self.output


@dataclass
class _Watch:
    """What the parent has seen of a running job so far."""

    limits: Limits
    frame: bytearray = field(default_factory=bytearray)
    output: bytearray = field(default_factory=bytearray)
    output_total: int = 0
    limit: Limit | None = None

    def receive(self, data: bytes, *, is_result: bool) -> None:
        if is_result:
            self.frame += data
            if len(self.frame) > self.limits.result:
                self.limit = self.limit or Limit.RESULT
            return
        self.output_total += len(data)
        self.output += data[: max(0, self.limits.output_kept - len(self.output))]
        if self.output_total > self.limits.output:
            self.limit = self.limit or Limit.OUTPUT


class SharedInput:
    """A frame in anonymous memory that any number of jobs map instead of copying."""

    def __init__(self, header: Mapping[str, Any], blobs: frames.Blobs) -> None:
        self.descriptor = os.memfd_create("harness-input", os.MFD_CLOEXEC)
        with os.fdopen(os.dup(self.descriptor), "wb") as memory:
            memory.write(frames.encode(header, blobs))

    def close(self) -> None:
        """Give the memory back once no job maps it."""
        os.close(self.descriptor)


class Zygote:
    """A warm process of one framework. `run` may be called from several threads at once.

    Raises SandboxError when the framework cannot be imported or the process does not start.
    """

    def __init__(self, framework: Framework) -> None:
        self.framework = framework
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = str(Path(__file__).resolve().parents[2])
        command = [sys.executable, "-s", "-P", "-m", "harness.sandbox.zygote", str(framework), str(theirs.fileno())]
        self._process = subprocess.Popen(
            command,
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**_ENVIRONMENT, "PYTHONPATH": root},
            cwd="/",
            start_new_session=True,
        )
        theirs.close()
        self._lock = threading.Lock()
        self._ready = False

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote; its children die with it."""
        self._control.close()
        self._process.kill()
        self._process.wait()

    def run(
        self,
        job: str,
        header: Mapping[str, Any],
        blobs: frames.Blobs,
        limits: Limits,
        shared: Sequence[SharedInput] = (),
    ) -> Ending:
        """Run one job of `harness.worker` in a forked child and wait for its end."""
        self._wait_until_ready()
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        result_read, result_write = os.pipe()
        output_read, output_write = os.pipe()
        request = SharedInput(header, blobs)
        inputs = [request.descriptor, *(item.descriptor for item in shared)]
        message = json.dumps({"job": job, "limits": asdict(limits)}).encode()
        try:
            self._send(message, [theirs.fileno(), result_write, output_write, *inputs])
        finally:
            theirs.close()
            for descriptor in (result_write, output_write):
                os.close(descriptor)
            request.close()
        try:
            return _supervise(mine, result_read, output_read, limits)
        finally:
            mine.close()
            os.close(result_read)
            os.close(output_read)

    def _send(self, message: bytes, descriptors: list[int]) -> None:
        try:
            with self._lock:
                socket.send_fds(self._control, [message], descriptors)
        except OSError as error:
            raise self._broken(str(error)) from None

    def _wait_until_ready(self) -> None:
        with self._lock:
            if self._ready:
                return
            self._control.settimeout(_START_SECONDS)
            try:
                hello = json.loads(self._control.recv(1 << 16) or b"{}")
            except (OSError, ValueError) as error:
                raise self._broken(str(error)) from None
            finally:
                self._control.settimeout(None)
            if not hello.get("ready"):
                raise self._broken(hello.get("reason", "the process ended while it imported the framework"))
            self._ready = True

    def _broken(self, reason: str) -> SandboxError:
        extra = self.framework.value
        return SandboxError(
            f"a process that has imported {extra}", reason, f'install it with: pip install "lenet-harness[{extra}]"'
        )


def _supervise(job: socket.socket, result: int, output: int, limits: Limits) -> Ending:
    started = time.monotonic()
    message, descriptors, _, _ = socket.recv_fds(job, 1 << 12, 1)
    if not message:
        raise SandboxError("a forked process", "the zygote ended", "run the command again")
    process, pidfd = json.loads(message)["pid"], descriptors[0]
    watch = _Watch(limits)
    try:
        end = _wait(job, result, output, process, pidfd, watch, started)
    finally:
        _kill(process, pidfd)
        os.close(pidfd)
    text = bytes(watch.output).decode("utf-8", "replace")
    seconds = time.monotonic() - started
    return Ending(end["status"], watch.limit, bytes(watch.frame), text, seconds, end["peak_memory"])


def _wait(
    job: socket.socket, result: int, output: int, process: int, pidfd: int, watch: _Watch, started: float
) -> dict[str, Any]:
    """Drain both pipes and enforce the limits until the process has ended; returns the zygote's report."""
    report: dict[str, Any] | None = None
    with selectors.DefaultSelector() as selector:
        for item in (job, result, output):
            selector.register(item, selectors.EVENT_READ)
        while report is None or selector.get_map():
            ready: list[Any] = [key.fileobj for key, _ in selector.select(_POLL_SECONDS if report is None else 0)]
            if report is not None and not ready:
                break  # a survivor may hold the pipe open for ever
            for item in ready:
                if item is job:
                    report = _report(job)
                    selector.unregister(job)
                elif not _drain(item, watch, is_result=item == result):
                    selector.unregister(item)
            if report is None:
                _enforce(process, pidfd, watch, started)
    return report


def _report(job: socket.socket) -> dict[str, Any]:
    message = job.recv(1 << 12)
    if not message:
        raise SandboxError("the exit status of a process", "the zygote ended", "run the command again")
    report: dict[str, Any] = json.loads(message)
    return report


def _drain(descriptor: Any, watch: _Watch, *, is_result: bool) -> bool:
    """Take what a pipe holds; False at its end."""
    data = os.read(descriptor, MIB)
    watch.receive(data, is_result=is_result)
    return bool(data)


def _enforce(process: int, pidfd: int, watch: _Watch, started: float) -> None:
    if watch.limit is None and time.monotonic() - started > watch.limits.wall_seconds:
        watch.limit = Limit.WALL
    if watch.limit is None and _resident(process) > watch.limits.memory:
        watch.limit = Limit.MEMORY
    if watch.limit is not None:
        _kill(process, pidfd)


def _resident(process: int) -> int:
    try:
        with open(f"/proc/{process}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _kill(process: int, pidfd: int) -> None:
    """End the process, and what it may have started in its session, while the pid is still its own."""
    try:
        signal.pidfd_send_signal(pidfd, 0)
        os.killpg(process, signal.SIGKILL)
    except OSError:
        pass
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except OSError:
        pass
