"""Memory that ends the process where it is read or written beside an array, and a process to end."""

from __future__ import annotations

import ctypes
import importlib
import math
import mmap
import os
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

ALLOCATORS = ("bound", "layers", "linked", "memory", "program", "tensors", "trainee")
"""The engine's modules that ask for memory."""
_PROTECTIONS = mmap.PROT_READ | mmap.PROT_WRITE
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def guarded(shape: tuple[int, ...], kind: npt.DTypeLike = np.float32, *, at_end: bool) -> npt.NDArray[Any]:
    """Zeros between two pages that nobody may touch: right before the second one, or right after the first. They are
    never freed."""
    kind = np.dtype(kind)
    size, page = math.prod(shape) * kind.itemsize, mmap.PAGESIZE
    room = -(-size // page) * page
    start = _LIBC.mmap(None, room + 2 * page, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    if start in (None, ctypes.c_void_p(-1).value):
        raise MemoryError
    first = start + page
    if room and _LIBC.mprotect(first, room, _PROTECTIONS):
        raise OSError(ctypes.get_errno(), "mprotect")
    place = first + room - size if at_end else first
    return np.frombuffer((ctypes.c_char * size).from_address(place), kind).reshape(shape)


def guard_the_engine(*, at_end: bool) -> None:
    """From now on each array of the engine lies between such pages. For a process of its own."""

    def zeros(shape: tuple[int, ...], kind: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
        return guarded(shape, kind, at_end=at_end)

    for name in ALLOCATORS:
        module = importlib.import_module(f"harness.engine.{name}")
        assert callable(module.zeros)  # type: ignore[attr-defined]
        module.zeros = zeros  # type: ignore[attr-defined]


def in_a_child(work: Callable[[], str], seconds: int = 60) -> str:
    """What `work` says in a forked process; how that ended, if it did not say anything. It may take so many seconds of
    processor time."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        _say(write, work, seconds)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        said = answer.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return said


def _say(write: int, work: Callable[[], str], seconds: int) -> None:
    """Never returns. No handler of the parent's may run here, nor any of its clean-up."""
    import faulthandler
    import resource

    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    try:
        said = work()
    except BaseException as error:
        trace = error.__traceback__
        places = []
        while trace is not None:
            places.append(f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}")
            trace = trace.tb_next
        said = f"{type(error).__name__}: {error} ({', '.join(places[-6:])})"
    with os.fdopen(write, "wb") as answer:
        answer.write(said.encode())
    sys.stdout.flush()
    os._exit(0)
