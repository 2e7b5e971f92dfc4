"""What a build or training process may use, and the limits it puts on itself before any other code runs."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from dataclasses import dataclass

GIB = 1 << 30
MIB = 1 << 20
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Limits:
    """Limits of one process: seconds, and bytes. `memory` is resident memory, watched by the parent."""

    wall_seconds: float = 30.0
    memory: int = 2 * GIB
    output_kept: int = 64 << 10
    output: int = 64 * MIB
    result: int = 256 * MIB


def confine(limits: Limits, keep: tuple[int, ...], parent: int) -> None:
    """Limit the calling process; called straight after the fork, while it has one thread.

    Only the descriptors in `keep` (and 0, 1, 2) stay open; the process dies with `parent`; it can write no file of
    any size, dump no core, and use no more address space and CPU time than the limits leave room for.
    """
    _close_descriptors(keep)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    cpu = int(limits.wall_seconds) * 2 + 10
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_AS, _address_space() + 4 * limits.memory),
    ):
        _lower(kind, value)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _address_space() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def _lower(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _close_descriptors(keep: tuple[int, ...]) -> None:
    low = 3
    for descriptor in sorted(keep):
        os.closerange(low, descriptor)
        low = max(low, descriptor + 1)
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
