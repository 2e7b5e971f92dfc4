"""What a build or training process may use, and how it is isolated. Plain data: the controller and the child read
it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

GIB = 1 << 30
MIB = 1 << 20


class Isolation(StrEnum):
    """How a process is isolated.

    `walls` is everything the kernel offers. `no-namespaces` does without user namespaces even where the kernel has them
    (some systems forbid them), with Landlock and seccomp. `none` means no walls, only limits.
    """

    WALLS = "walls"
    NO_NAMESPACES = "no-namespaces"
    NONE = "none"


@dataclass(frozen=True)
class Limits:
    """Limits of one process: seconds, bytes, and numbers. The parent watches `memory` (resident) and `threads`.

    `scratch` and `scratch_files` bound the private temporary folder, which exists only inside namespaces.
    """

    wall_seconds: float = 30.0
    memory: int = 2 * GIB
    threads: int = 64
    output_kept: int = 64 << 10
    output: int = 64 * MIB
    result: int = 256 * MIB
    scratch: int = 32 * MIB
    scratch_files: int = 1000
    isolation: Isolation = Isolation.WALLS
