"""Test each wall from the inside. If one lets us through, that is our fault and ends the process before its job
starts."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import socket
import sys
from collections.abc import Callable

from harness.sandbox import kernel
from harness.sandbox.runtime import PACKAGE, hidden_folders

_IO_URING_SETUP = 425


def run(parent: int) -> None:
    """Raises OSError that names the first wall that does not hold; `parent` is an outside process to test against."""
    for name, attempt in attempts(parent).items():
        try:
            attempt()
        except OSError:
            continue
        raise OSError(f"the wall against {name} does not hold")


def attempts(parent: int) -> dict[str, Callable[[], object]]:
    """What must not be possible, by the name of the wall. Each raises OSError if the wall holds."""
    return {
        "listing the disk": lambda: os.listdir("/"),
        "reading the disk": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "reading the data sets": _read_data_sets,
        "reading other processes": lambda: os.open(f"/proc/{parent}/environ", os.O_RDONLY),
        "writing to the disk": lambda: os.open(PACKAGE / "__init__.py", os.O_WRONLY),
        "the network": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "local sockets": socket.socketpair,
        "signals": lambda: os.kill(parent, 0),
        "new processes": _fork,
        "tracing": kernel.trace_me,
        "hidden memory": lambda: os.memfd_create("wall"),
        "shared memory": lambda: mmap.mmap(-1, mmap.PAGESIZE),
        "new namespaces": lambda: kernel.unshare(kernel.NEW_USER),
        "asynchronous system calls": _io_uring,
        "other programs": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
    }


def _read_data_sets() -> None:
    """Succeeds if any of their files can be opened."""
    for folder in hidden_folders():
        for path, _, names in os.walk(folder):
            for name in names:
                with contextlib.suppress(OSError):
                    os.close(os.open(os.path.join(path, name), os.O_RDONLY))
                    return
    raise OSError("none can be opened")


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _io_uring() -> None:
    kernel.syscall(_IO_URING_SETUP, ctypes.c_uint(1), ctypes.create_string_buffer(128))
