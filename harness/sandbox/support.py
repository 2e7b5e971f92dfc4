"""Do the walls work on this machine? Checked before anything is started; says what is missing and what helps."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from harness.records.errors import SandboxError

_SECCOMP = Path("/proc/sys/kernel/seccomp/actions_avail")
_ELSEWHERE = "grade on Linux (a virtual machine, a container, WSL 2), or turn the walls off with --isolation none"


def obstacle() -> str:
    """Why the walls do not work here; empty if they do. The self-test of each process has the last word."""
    if sys.platform != "linux":
        return f"{platform.system()}, which has neither Landlock nor seccomp"
    from harness.sandbox import landlock, seccomp

    if platform.machine() not in seccomp.ARCHITECTURES:
        return f"a {platform.machine()} processor, whose system calls are not listed"
    if landlock.abi() < landlock.MIN_ABI:
        return f"Linux {platform.release()} with Landlock version {landlock.abi()}, but {landlock.MIN_ABI} is needed"
    return "" if _SECCOMP.exists() else "a kernel without seccomp filters"


def require_walls() -> None:
    """Raises SandboxError if student code could not be isolated."""
    found = obstacle()
    if found:
        raise SandboxError("Linux 6.2 or newer with Landlock and seccomp", found, _ELSEWHERE)
