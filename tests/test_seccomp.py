"""The filter as the kernel reads it: a small interpreter of classic BPF answers for each call and its arguments."""

import errno
import re
import struct
from pathlib import Path

import pytest

from harness.sandbox.seccomp import ALLOW, ARCHITECTURES, KILL, answer, numbers, program

PROCESS = 4711
REFUSED = answer(errno.EPERM)
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def run(machine: str, number: int, *arguments: int, gate: int | None = None) -> int:
    """The filter's answer to one call."""
    code = program(machine, PROCESS)
    instructions = [struct.unpack_from("<HBBI", code, at) for at in range(0, len(code), 8)]
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<IIQ6Q", number, ARCHITECTURES[machine] if gate is None else gate, 0, *padded)
    at = accumulator = 0
    while True:
        operation, if_true, if_false, constant = instructions[at]
        at += 1
        if operation == 0x06:
            return constant
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, constant)
        elif operation == 0x54:
            accumulator &= constant
        else:
            holds = {0x15: accumulator == constant, 0x35: accumulator >= constant, 0x45: bool(accumulator & constant)}
            at += if_true if holds[operation] else if_false


def call(machine: str, name: str, *arguments: int) -> int:
    return run(machine, numbers(machine)[name], *arguments)


both = pytest.mark.parametrize("machine", ARCHITECTURES)


@both
@pytest.mark.parametrize("name", ["read", "write", "openat", "munmap", "futex", "exit_group", "getdents64"])
def test_ordinary_calls_are_allowed(machine, name):
    assert call(machine, name) == ALLOW


@pytest.mark.parametrize(
    ("machine", "number"),
    [
        *(
            ("x86_64", number)
            for number in (41, 53, 57, 58, 59, 101, 165, 272, 310, 319, 27, 140, 321, 322, 425, 434, 9999)
        ),
        *(("aarch64", number) for number in (198, 199, 221, 117, 40, 97, 270, 279, 280, 281, 425, 434, 9999)),
    ],
)
def test_sockets_programs_tracing_and_the_rest_are_refused(machine, number):
    assert run(machine, number) == REFUSED


@both
def test_other_gates_end_the_process(machine):
    assert run(machine, 0, gate=0x40000003) == KILL  # i386, through int 0x80
    assert run(machine, 0x40000000) == KILL  # x32


@both
def test_threads_are_allowed_processes_and_namespaces_are_not(machine):
    thread, new_user = 0x00010000, 0x10000000
    assert call(machine, "clone", 0x3D0F00 | thread) == ALLOW
    assert call(machine, "clone", 17) == REFUSED
    assert call(machine, "clone", thread | new_user) == REFUSED
    assert call(machine, "clone3") == answer(errno.ENOSYS)


@both
@pytest.mark.parametrize("name", ["kill", "tgkill"])
def test_a_process_signals_only_itself(machine, name):
    assert call(machine, name, PROCESS) == ALLOW
    assert {call(machine, name, other) for other in (0, 1, PROCESS + 1, 0xFFFFFFFF)} == {REFUSED}


@both
def test_limits_of_others_stay_as_they_are(machine):
    assert {call(machine, "prlimit64", own) for own in (0, PROCESS)} == {ALLOW}
    assert call(machine, "prlimit64", PROCESS - 1) == REFUSED


@both
@pytest.mark.parametrize("name", ["getpgid", "getsid", "sched_getaffinity", "sched_getscheduler", "sched_getparam"])
def test_a_process_asks_about_itself_only(machine, name):
    assert {call(machine, name, own) for own in (0, PROCESS)} == {ALLOW}
    assert call(machine, name, 1) in (REFUSED, answer(errno.ENOSYS))


@both
def test_memory_is_neither_merged_nor_put_out(machine):
    assert {call(machine, "madvise", 0, 4096, advice) for advice in (12, 20, 21)} == {answer(errno.EINVAL)}
    assert {call(machine, "madvise", 0, 4096, advice) for advice in (4, 8, 14)} == {ALLOW}


@both
@pytest.mark.parametrize("name", ["clock_gettime", "clock_getres", "clock_nanosleep", "timer_create"])
def test_clocks_of_other_processes_do_not_tell_the_time(machine, name):
    own_process, own_thread, another = -6 & 0xFFFFFFFF, -2 & 0xFFFFFFFF, (~1 << 3 | 2) & 0xFFFFFFFF
    assert {call(machine, name, clock) for clock in (0, 1, 2, 3, 7, own_process, own_thread)} == {ALLOW}
    assert call(machine, name, another) == answer(errno.EINVAL)


@both
def test_shared_memory_without_a_file_is_refused(machine):
    shared, private, anonymous = 1, 2, 0x20
    assert call(machine, "mmap", 0, 4096, 3, shared | anonymous) == REFUSED
    assert call(machine, "mmap", 0, 4096, 3, shared) == ALLOW
    assert call(machine, "mmap", 0, 4096, 3, private | anonymous | 0x40000) == REFUSED  # huge pages
    assert call(machine, "mmap", 0, 4096, 3, private | anonymous) == ALLOW


@both
def test_what_landlock_does_not_cover_has_no_effect(machine):
    assert {call(machine, name) for name in ("fchmodat", "fchownat", "utimensat", "fsync")} == {answer(0)}


@both
def test_a_terminal_may_be_asked_but_not_typed_into(machine):
    assert call(machine, "ioctl", 1, 0x5413) == ALLOW
    assert call(machine, "ioctl", 1, 0x5412) == answer(errno.ENOTTY)  # TIOCSTI puts words into the shell's mouth


@both
def test_the_death_signal_cannot_be_undone(machine):
    assert call(machine, "prctl", 1, 0) == REFUSED
    assert call(machine, "prctl", 15) == ALLOW


@both
def test_descriptors_carry_no_signals_locks_or_leases(machine):
    assert {call(machine, "fcntl", 3, request) for request in (6, 8, 10, 15, 1024, 1031, 1036)} == {REFUSED}
    assert call(machine, "fcntl", 3, 2) == ALLOW


@both
def test_numbers_are_those_of_the_kernels_headers(machine):
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not installed")
    defined = dict(re.findall(r"#define (__NR\w*)\s+(\w+)", HEADERS[machine].read_text()))
    for name, number in numbers(machine).items():
        known = defined.get(f"__NR_{name}") or defined.get(f"__NR3264_{name}")
        known = defined.get(known, known)
        assert known in (str(number), None), name
