"""The system calls that a locked process may make: an allow-list as a seccomp filter (classic BPF). Pure.

What is not on the list is answered with EPERM. Calls through another interface (32-bit, x32) end the process.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence

Instruction = tuple[int, int, int, int]
"""One BPF instruction: code, jump if true, jump if false, constant."""

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
_X32_BIT = 0x40000000

ALLOW, KILL = 0x7FFF0000, 0x80000000


def answer(error: int) -> int:
    """The filter's result that makes a call return this error, or a success without effect for 0."""
    return 0x00050000 | error


ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""The machines whose calls are listed here, with the kernel's name (AUDIT_ARCH) for their 64-bit interface."""

_TABLE = """
    read 0 63, write 1 64, open 2 -, close 3 57, stat 4 -, fstat 5 80, lstat 6 -, poll 7 -, lseek 8 62, mmap 9 222,
    mprotect 10 226, munmap 11 215, brk 12 214, rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139,
    ioctl 16 29, pread64 17 67, pwrite64 18 68, readv 19 65, writev 20 66, access 21 -, pipe 22 -, select 23 -,
    sched_yield 24 124, mremap 25 216, msync 26 227, madvise 28 233, dup 32 23, dup2 33 -,
    pause 34 -, nanosleep 35 101, getitimer 36 102, alarm 37 -, setitimer 38 103, getpid 39 172, sendfile 40 71,
    clone 56 220, exit 60 93, wait4 61 260, kill 62 129, uname 63 160, fcntl 72 25, fsync 74 82, fdatasync 75 83,
    truncate 76 45, ftruncate 77 46, getdents 78 -, getcwd 79 17, chdir 80 49, fchdir 81 50, rename 82 -,
    mkdir 83 -, rmdir 84 -, creat 85 -, unlink 87 -, readlink 89 -, chmod 90 -, fchmod 91 52, chown 92 -,
    fchown 93 55, lchown 94 -, umask 95 166, gettimeofday 96 169, getrlimit 97 163, getrusage 98 165,
    sysinfo 99 179, times 100 153, getuid 102 174, getgid 104 176, geteuid 107 175, getegid 108 177,
    getppid 110 173, getpgrp 111 -, getgroups 115 158, getresuid 118 148, getresgid 120 150, getpgid 121 155,
    getsid 124 156, rt_sigpending 127 136, rt_sigtimedwait 128 137, rt_sigsuspend 130 133, sigaltstack 131 132,
    utime 132 -, statfs 137 43, fstatfs 138 44, sched_getparam 143 121,
    sched_getscheduler 145 120, sched_get_priority_max 146 125, sched_get_priority_min 147 126, prctl 157 167,
    arch_prctl 158 -, setrlimit 160 164, gettid 186 178, time 201 -, futex 202 98, sched_setaffinity 203 122,
    sched_getaffinity 204 123, getdents64 217 61, set_tid_address 218 96, restart_syscall 219 128,
    timer_create 222 107, timer_settime 223 110, timer_gettime 224 108, timer_delete 226 111, clock_gettime 228 113,
    clock_getres 229 114, clock_nanosleep 230 115, exit_group 231 94, epoll_wait 232 -, epoll_ctl 233 21,
    tgkill 234 131, utimes 235 -, mbind 237 235, set_mempolicy 238 237, get_mempolicy 239 236, waitid 247 95,
    openat 257 56, mkdirat 258 34, fchownat 260 54, futimesat 261 -, newfstatat 262 79, unlinkat 263 35,
    renameat 264 38, readlinkat 267 78, fchmodat 268 53, faccessat 269 48, pselect6 270 72, ppoll 271 73,
    set_robust_list 273 99, utimensat 280 88, epoll_pwait 281 22, timerfd_create 283 85, fallocate 285 47,
    timerfd_settime 286 86, timerfd_gettime 287 87, eventfd2 290 19, epoll_create1 291 20, dup3 292 24,
    pipe2 293 59, preadv 295 69, pwritev 296 70, prlimit64 302 261, getcpu 309 168, renameat2 316 276,
    getrandom 318 278, membarrier 324 283, copy_file_range 326 285, statx 332 291, rseq 334 293, clone3 435 435,
    close_range 436 436, faccessat2 439 439, epoll_pwait2 441 441, futex_waitv 449 449, fchmodat2 452 452
"""
"""Every call that the filter handles: its name and its numbers on x86-64 and AArch64."""

_NO_EFFECT = "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat".split()
_NO_EFFECT += ["fsync", "fdatasync"]
"""Landlock does not cover these; libraries call them, so they get a fake success."""

_CLONE_THREAD = 0x00010000
_CLONE_NEW_NAMESPACE = 0x7E020000
_MAP_SHARED_ANONYMOUS = 0x21
_MAP_HUGE = 0x40000
_TERMINAL_REQUESTS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""Questions about a terminal, and the close-on-exec and non-blocking flags of a descriptor."""

_HARMLESS_PRCTL = (3, 15, 16, 21, 23, 42, 0x53564D41)
"""Ask or set the thread's name, ask for what was set, name memory."""

_COMMON_CLOCKS = 64

_HARMLESS_FCNTL = (0, 1, 2, 3, 4, 1030, 1032)
"""Copy a descriptor, its flags, the size of a pipe; no locks, signals, leases or hints that others feel."""

_TELLING_ADVICE = (12, 20, 21)
"""Merge equal pages, or page out: this reveals others' memory, or hides one's own from the parent's count."""


def numbers(machine: str) -> dict[str, int]:
    """Name to number of every listed call that this machine has."""
    column = 1 + list(ARCHITECTURES).index(machine)
    entries = (entry.split() for entry in _TABLE.replace("\n", " ").strip().split(","))
    return {entry[0]: int(entry[column]) for entry in entries if entry[column] != "-"}


def program(machine: str, process: int) -> bytes:
    """The filter for a process (its own id: it may signal and ask about nobody else). Raises KeyError elsewhere."""
    known = numbers(machine)
    rules = _rules(process)
    code = _only_the_native_gate(machine)
    for name, number in known.items():
        code += _block(number, rules.get(name, [(_RETURN, 0, 0, ALLOW)]))
    code.append((_RETURN, 0, 0, answer(errno.EPERM)))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def _only_the_native_gate(machine: str) -> list[Instruction]:
    return [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_JUMP_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        (_JUMP_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, KILL),
    ]


def _rules(process: int) -> dict[str, list[Instruction]]:
    """The calls that depend on their arguments, or are refused in a special way."""
    refused, itself = answer(errno.EPERM), (0, process)
    rules = {name: [(_RETURN, 0, 0, answer(0))] for name in _NO_EFFECT}
    for name in ("clone3", "mbind", "get_mempolicy", "set_mempolicy"):
        rules[name] = [(_RETURN, 0, 0, answer(errno.ENOSYS))]  # callers fall back to something simpler
    rules["clone"] = _threads_only(refused)
    rules["mmap"] = _no_uncounted_memory(refused)
    rules["ioctl"] = _listed(1, _TERMINAL_REQUESTS, ALLOW, answer(errno.ENOTTY))
    rules["prctl"] = _listed(0, _HARMLESS_PRCTL, ALLOW, refused)
    rules["fcntl"] = _listed(1, _HARMLESS_FCNTL, ALLOW, refused)
    for name in ("kill", "tgkill"):
        rules[name] = _listed(0, (process,), ALLOW, refused)
    for name in ("prlimit64", "sched_setaffinity", "getpgid", "getsid"):
        rules[name] = _listed(0, itself, ALLOW, refused)
    for name in ("sched_getaffinity", "sched_getscheduler", "sched_getparam"):
        rules[name] = _listed(0, itself, ALLOW, answer(errno.ENOSYS))  # so glibc does without, for its own threads
    rules["madvise"] = _listed(2, _TELLING_ADVICE, answer(errno.EINVAL), ALLOW)
    for name in ("clock_gettime", "clock_getres", "clock_nanosleep", "timer_create"):
        rules[name] = _own_clocks(answer(errno.EINVAL))
    return rules


def _argument(index: int) -> Instruction:
    """Load the lower half of an argument: the kernel reads no more of the arguments that are tested here."""
    return (_LOAD, 0, 0, _ARGUMENTS_OFFSET + 8 * index)


def _listed(index: int, values: Sequence[int], found: int, otherwise: int) -> list[Instruction]:
    body = [_argument(index)]
    for value in values:
        body += [(_JUMP_EQUAL, 0, 1, value), (_RETURN, 0, 0, found)]
    return [*body, (_RETURN, 0, 0, otherwise)]


def _own_clocks(refused: int) -> list[Instruction]:
    """The common clocks, and by number 0 one's own; other negative numbers are the CPU time of other processes."""
    return [
        _argument(0),
        (_JUMP_AT_LEAST, 0, 1, _COMMON_CLOCKS),
        (_JUMP_AT_LEAST, 0, 1, 0xFFFFFFFA),  # -6 and -2: the calling process and thread
        (_RETURN, 0, 0, ALLOW),
        (_RETURN, 0, 0, refused),
    ]


def _threads_only(refused: int) -> list[Instruction]:
    return [
        _argument(0),
        (_JUMP_ANY_BIT, 1, 0, _CLONE_NEW_NAMESPACE),
        (_JUMP_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, refused),
        (_RETURN, 0, 0, ALLOW),
    ]


def _no_uncounted_memory(refused: int) -> list[Instruction]:
    """The parent counts resident pages. Shared ones without a file stay when they are no longer counted, huge ones are
    not counted at all."""
    return [
        _argument(3),
        (_JUMP_ANY_BIT, 3, 0, _MAP_HUGE),
        (_AND, 0, 0, _MAP_SHARED_ANONYMOUS),
        (_JUMP_EQUAL, 1, 0, _MAP_SHARED_ANONYMOUS),
        (_RETURN, 0, 0, ALLOW),
        (_RETURN, 0, 0, refused),
    ]


def _block(number: int, body: Sequence[Instruction]) -> list[Instruction]:
    """`body`, run for one call; every path through it must end in a return."""
    return [(_JUMP_EQUAL, 0, len(body), number), *body]
