"""The walls that a process puts around itself before anyone else's code runs in it, one after the other.

Called immediately after a fork, with one thread: Landlock binds the calling thread only. Every step raises OSError when
it fails, and `selftest` tests the result: a wall that does not hold ends the process before the job starts.
"""

from __future__ import annotations

import os
import platform
import resource
import signal
import tempfile
from collections.abc import Sequence

from harness.jobs.limits import Isolation, Limits
from harness.sandbox import kernel, landlock, private_root, seccomp, selftest
from harness.sandbox.runtime import DEVICES_TO_WRITE, View

_OPEN_FILES = 256
_QUEUED_SIGNALS = 64
_OWN_PROCESS = "stat statm status maps smaps fd fdinfo cmdline comm auxv limits environ".split()
"""What a process may read about itself in /proc; not the machine's mounts, control groups or network."""


def confine(limits: Limits, keep: Sequence[int], parent: int, view: View) -> None:
    """Lock this process in, as far as `limits.isolation` says; raises OSError when a wall cannot be put up.

    Only the descriptors in `keep` (and 0, 1, 2) stay open, the process dies with `parent`, and the kernel ends it or
    refuses more when a limit is met. `view` is all it will see of the disk.
    """
    _close_descriptors(keep)
    _die_with(parent)
    _limit_resources(limits)
    if limits.isolation is Isolation.NONE:
        return
    scratch = limits.isolation is Isolation.WALLS
    _lower(resource.RLIMIT_FSIZE, limits.scratch if scratch else 0)
    _require_one_thread()
    allowed = _rules(view, scratch)
    if scratch:
        private_root.enter(limits, view)
        _lower(resource.RLIMIT_NPROC, limits.threads)  # counted separately in a user namespace
        _use_scratch()
    kernel.drop_capabilities()
    kernel.forbid_new_privileges()
    _die_with(parent)  # a change of credentials may have cleared it
    landlock.restrict(allowed)
    kernel.install_filter(seccomp.program(platform.machine(), os.getpid()))
    selftest.run(parent)


def missing_namespaces(limits: Limits, view: View) -> str:
    """Try the namespaces in a child: why they do not work, or nothing if they do."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            private_root.enter(limits, view)
            code = 0
        except OSError as error:
            os.write(write, str(error).encode()[:300])
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        text = answer.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    return text or ("" if status == 0 else f"the attempt ended with {os.waitstatus_to_exitcode(status)}")


def _die_with(parent: int) -> None:
    kernel.die_with_parent()
    if os.getppid() != parent:
        os._exit(0)


def _close_descriptors(keep: Sequence[int]) -> None:
    low = 3
    for descriptor in sorted(keep):
        os.closerange(low, descriptor)
        low = max(low, descriptor + 1)
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _limit_resources(limits: Limits) -> None:
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, int(limits.wall_seconds) * 2 + 10),
        (resource.RLIMIT_AS, _address_space() + 4 * limits.memory),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, _QUEUED_SIGNALS),  # timers count as pending signals, for all processes of a user
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


def thread_count() -> int:
    """How many threads this process has."""
    return len(os.listdir("/proc/self/task"))


def _require_one_thread() -> None:
    if thread_count() != 1:
        raise OSError(f"{thread_count()} threads, but the walls need exactly one")


def _rules(view: View, scratch: bool) -> list[tuple[str, int]]:
    """What Landlock allows; the paths are the same in the old root and in the private one."""
    own = [f"/proc/{os.getpid()}/{name}" for name in _OWN_PROCESS]
    writable = [(path, landlock.READ | landlock.WRITE_FILE) for path in DEVICES_TO_WRITE]
    # Python lists a folder of packages to find one in it; a rule holds for all below, so names can be listed there too
    listable = [(path, landlock.READ_DIR) for path in view.listable]
    rules = [*((path, landlock.READ) for path in (*own, *view.readable)), *listable, *writable]
    return [*rules, (private_root.SCRATCH, landlock.WRITE)] if scratch else rules


def _use_scratch() -> None:
    os.environ["TMPDIR"] = private_root.SCRATCH
    tempfile.tempdir = None
