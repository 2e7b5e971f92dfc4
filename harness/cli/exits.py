"""How a command ends: signals, lost output and our own faults become messages and exit codes.

Standard streams are wrapped so that they never raise. A failure to write to the error stream changes
nothing: the work continues silently. A failure to write to the output is an error at the end, after everything else.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

import click

from harness.records.errors import ExitCode, HarnessError
from harness.reports.neutral import clean

_MOST_TOLD = 4_000
_KEPT = "run the same command again: finished runs are kept"
_SIGNALS = {"SIGTERM": ExitCode.TERMINATED, "SIGHUP": ExitCode.HUNG_UP}


class Stopped(BaseException):
    """A signal told the command to end."""

    def __init__(self, exit_code: ExitCode) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside it, SIGTERM and SIGHUP raise Stopped once; a signal that is ignored, as under nohup, stays ignored.

    After the first of them both are ignored: the process is shutting down, and a second would leave children behind.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    codes = {getattr(signal, name): code for name, code in _SIGNALS.items() if hasattr(signal, name)}
    before = {number: signal.getsignal(number) for number in codes}
    heard = {number for number, handler in before.items() if handler == signal.SIG_DFL}

    def stop(number: int, _: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(codes[number])

    for number in heard:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in heard:
            if signal.getsignal(number) is stop:
                signal.signal(number, before[number])


class _Stream(io.FileIO):
    """A standard stream that never raises: the first failure is kept, and later output is discarded."""

    failure: OSError | None = None

    def write(self, data: object, /) -> int:
        """Write bytes, or discard them."""
        if self.failure is None:
            try:
                return super().write(data)  # type: ignore[arg-type]
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes  # type: ignore[arg-type]


def take_streams() -> _Stream | None:
    """Replace the process's streams with ones that never raise, and return the raw stream of the output; None if the
    output is not a plain file. A closed stream is opened on /dev/null, so that no other file gets its number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # the lowest free number; a write fails as it would on a closed one
    sys.stderr, _ = _wrapped(sys.stderr, 2)
    sys.stdout, output = _wrapped(sys.stdout, 1)
    return output


def _wrapped(stream: TextIO | None, descriptor: int) -> tuple[TextIO, _Stream | None]:
    buffer = getattr(stream, "buffer", None)
    if stream is not None and type(getattr(buffer, "raw", buffer)) is not io.FileIO:
        return stream, None  # a Windows console, or a program's own stream
    raw = _Stream(descriptor, "wb", closefd=False)
    encoding, errors = (stream.encoding, stream.errors) if stream is not None else ("utf-8", "backslashreplace")
    wrapped = io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=descriptor == 2)
    return wrapped, raw


def code_in_the_end(code: int, output: _Stream | None) -> int:
    """The exit code of a command after its output is flushed: a different one if only the output failed."""
    sys.stdout.flush()
    failure = output.failure if output else None
    if failure is None or code not in (ExitCode.PASSED, ExitCode.FAILED):
        return code
    if failure.errno == errno.EPIPE:
        return ExitCode.PIPE_CLOSED
    found = f"the output cannot be written: {failure.strerror}"
    tell(HarnessError("somewhere to write the answer", found, f"send it elsewhere or free some space, then {_KEPT}"))
    return ExitCode.OUR_FAULT


def tell(error: HarnessError) -> None:
    """Print the three parts of an error to the error stream."""
    for name, text in (("expected", error.expected), ("found", error.found), ("try", error.try_)):
        click.echo(f"{click.style(name.rjust(9), bold=True)}  {clean(text, _MOST_TOLD)}", err=True)


def tell_stop(code: ExitCode) -> int:
    """Say that the command was stopped and how to continue; returns the exit code."""
    click.echo("Stopped. Finished runs are kept: run the same command again to continue.", err=True)
    return code


def tell_fault(error: Exception) -> int:
    """An unforeseen error: whose fault it is and what to do, then the traceback for the maintainers."""
    expected, advice = _expected_instead(error)
    tell(HarnessError(expected, f"{type(error).__name__}: {error}", advice))
    click.echo(f"\n{clean_lines(''.join(traceback.format_exception(error)))}", err=True)
    return ExitCode.OUR_FAULT


def _expected_instead(error: Exception) -> tuple[str, str]:
    if isinstance(error, MemoryError):
        return "enough memory for the harness itself", f"close other programs or use fewer --workers, then {_KEPT}"
    if isinstance(error, OSError):
        return "a system that lets the harness work", f"fix the problem named above, then {_KEPT}"
    report = "if it happens again, report it with the lines below"
    return "no error in the harness itself; this is not your fault", f"{_KEPT}; {report}"


def clean_lines(text: str) -> str:
    """Foreign lines as printable text, with their indentation."""
    lines = ((line[: len(line) - len(line.lstrip(" "))], line.lstrip(" ")) for line in text.split("\n"))
    return "\n".join(indent[:80] + clean(content) for indent, content in lines)
