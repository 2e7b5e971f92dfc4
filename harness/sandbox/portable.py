"""Jobs without walls and without a fork, on any system: for students who check their own file on a laptop."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from harness.jobs.ending import Ending, Limit
from harness.jobs.job import Job
from harness.jobs.limits import MIB, Limits
from harness.sandbox.job import FRAMEWORK_ENVIRONMENT, Imported, SharedInput

_LENGTH = struct.Struct("<Q")


class PlainProcess:
    """Starts a Python process for each job. Time, output and result are limited; memory is not."""

    def __init__(self, imported: Imported) -> None:
        self.imported = imported
        self._running: set[subprocess.Popen[bytes]] = set()

    def close(self) -> None:
        """End every process."""
        for process in list(self._running):
            process.kill()

    def run(self, job: Job, shared: Sequence[SharedInput] = ()) -> Ending:
        """Run one job of `harness.child.worker` and wait for its end."""
        inputs = [job.request, *(item.content() for item in shared)]
        with tempfile.TemporaryDirectory(prefix="harness-") as folder, _start(job.name, folder) as process:
            self._running.add(process)
            try:
                return _Conversation(process, job.limits).hold(inputs)
            finally:
                process.kill()
                self._running.discard(process)


def _start(job: str, folder: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-s", "-P", "-B", "-m", "harness.sandbox.portable", job]
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, **FRAMEWORK_ENVIRONMENT, "PYTHONPATH": root}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=folder)


class _Conversation:
    """One process: frames go in through its standard input, the result comes out, what it prints is its output."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self._limit: Limit | None = None

    def hold(self, inputs: Sequence[bytes]) -> Ending:
        """Feed, listen, and end the process when it hits a limit."""
        started = time.monotonic()
        result, output = bytearray(), bytearray()
        limits, process = self._limits, self._process
        streams = (
            (process.stdout, result, limits.result, Limit.RESULT),
            (process.stderr, output, limits.output, Limit.OUTPUT),
        )
        threads = [threading.Thread(target=self._feed, args=(inputs,), daemon=True)]
        threads += [threading.Thread(target=self._drain, args=stream, daemon=True) for stream in streams]
        for thread in threads:
            thread.start()
        try:
            status = process.wait(limits.wall_seconds)
        except subprocess.TimeoutExpired:
            self._end(Limit.WALL)
            status = process.wait()
        for thread in threads:
            thread.join(1.0)  # a process that it left behind may hold a pipe open forever
        text = bytes(output[: limits.output_kept]).decode("utf-8", "replace")
        return Ending(status, self._limit, bytes(result), text, time.monotonic() - started, 0)

    def _end(self, limit: Limit) -> None:
        self._limit = self._limit or limit
        self._process.kill()

    def _feed(self, inputs: Sequence[bytes]) -> None:
        assert self._process.stdin is not None
        try:
            with self._process.stdin as stream:
                for frame in inputs:
                    stream.write(_LENGTH.pack(len(frame)))
                    stream.write(frame)
        except OSError:
            pass  # it ended first

    def _drain(self, stream: IO[bytes], kept: bytearray, most: int, limit: Limit) -> None:
        while data := os.read(stream.fileno(), MIB):
            kept += data[: max(0, most + 1 - len(kept))]
            if len(kept) > most:
                self._end(limit)
                return


def _child() -> None:
    """Read the frames, keep the real standard output for the result, and do the job."""
    inputs = []
    while length := sys.stdin.buffer.read(_LENGTH.size):
        inputs.append(memoryview(sys.stdin.buffer.read(_LENGTH.unpack(length)[0])))
    result = os.dup(1)
    os.dup2(2, 1)
    from harness.child import worker

    worker.run(sys.argv[1], result, inputs)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _child()
