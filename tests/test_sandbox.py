"""How jobs end, and what a builder can and cannot do to its parent."""

import errno
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from harness.jobs import frames
from harness.jobs.build import BUILD, BuildRequest
from harness.jobs.ending import Limit
from harness.jobs.job import Job
from harness.jobs.limits import MIB, Isolation, Limits
from harness.records.errors import ArtifactError, SandboxError
from harness.records.framework import Framework
from harness.sandbox import supervise
from harness.sandbox import zygote as zygote_process
from harness.sandbox.launcher import Zygote

pytestmark = pytest.mark.frameworks
LIMITS = Limits(wall_seconds=5)
NO_WALLS = replace(LIMITS, isolation=Isolation.NONE)


@pytest.fixture(scope="module")
def zygote(zygotes):
    return zygotes.get(Framework.TORCH)


def build(zygote, source, limits=LIMITS):
    sources = (textwrap.dedent(source).encode(),)
    request = BuildRequest(Framework.TORCH, "model.py", "", (0,), ("model.py",), sources)
    return zygote.run(Job.of(BUILD, request, limits))


def test_output_is_kept_short_and_does_not_block(zygote):
    ending = build(zygote, "print('x' * 5_000_000)")
    assert ending.limit is None
    assert len(ending.output) == LIMITS.output_kept


def test_a_flood_of_output_ends_the_build(zygote):
    ending = build(zygote, "while True: print('x' * 100_000)", replace(LIMITS, output=4 * MIB))
    assert ending.limit is Limit.OUTPUT


def test_a_flood_of_results_ends_the_build(zygote):
    source = """
        import os
        for descriptor in range(3, 20):
            try:
                while True: os.write(descriptor, b'x' * 1_000_000)
            except OSError: pass
    """
    assert build(zygote, source, replace(LIMITS, result=4 * MIB)).limit is Limit.RESULT


def test_a_forged_frame_is_only_data(zygote):
    source = """
        import os
        for descriptor in range(3, 20):
            try: os.write(descriptor, b'LNF1 this is not a frame')
            except OSError: pass
        os._exit(0)
    """
    ending = build(zygote, source)
    with pytest.raises(ArtifactError):
        frames.decode(ending.frame)


def test_wall_clock_counts_while_the_build_sleeps(zygote):
    ending = build(zygote, "import time; time.sleep(60)", replace(LIMITS, wall_seconds=0.5))
    assert ending.limit is Limit.WALL
    assert ending.seconds < 5


def test_a_process_left_behind_does_not_hold_the_parent(zygote):
    source = """
        import os, time
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
    """
    assert build(zygote, source, NO_WALLS).seconds < 5


def test_a_process_left_behind_ends_with_the_build(zygote):
    source = """
        import os, time
        child = os.fork()
        if child == 0:
            time.sleep(600)
        print(child, flush=True)
        os._exit(0)
    """
    child = int(build(zygote, source, NO_WALLS).output)
    assert eventually(lambda: not _alive(child), seconds=10)


def test_memory_is_limited(zygote):
    ending = build(zygote, "x = [bytearray(1 << 20) for _ in range(3000)]", replace(LIMITS, memory=600 * MIB))
    assert ending.limit is Limit.MEMORY or b"out_of_memory" in ending.frame


def test_a_crash_is_told_by_its_signal(zygote):
    ending = build(zygote, "import ctypes; ctypes.string_at(0)")
    assert "SIGSEGV" in ending.describe_exit()


def test_no_file_can_be_written(zygote, tmp_path):
    target = tmp_path / "written"
    build(zygote, f"open({str(target)!r}, 'w').write('x' * 100_000)")
    assert not target.exists() or target.stat().st_size == 0


def test_every_descriptor_but_its_own_is_closed(zygote):
    source = """
        import os
        print([d for d in range(3, 200) if os.path.exists(f'/proc/self/fd/{d}')])
        os._exit(0)
    """
    assert len(eval(build(zygote, source).output)) <= 3


def test_frameworks_run_with_one_thread(zygote):
    assert (
        "1 1" in build(zygote, "import torch, os; print(torch.get_num_threads(), os.environ['OMP_NUM_THREADS'])").output
    )


def test_jobs_run_at_the_same_time(zygote):
    build(zygote, "pass")
    started = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: build(zygote, "import time; time.sleep(1)"), range(4)))
    assert time.monotonic() - started < 3.5


def test_memory_counts_when_the_main_thread_has_ended_alone(zygote):
    source = """
        import ctypes, threading, time
        def eat():
            time.sleep(0.2)
            hoard = []
            for _ in range(3000):
                hoard.append(bytearray(1 << 20))
                time.sleep(0.001)
        threading.Thread(target=eat).start()
        ctypes.CDLL(None).syscall(60, 0)
    """
    assert build(zygote, source, replace(LIMITS, memory=500 * MIB, wall_seconds=20)).limit is Limit.MEMORY


def test_many_threads_end_the_build(zygote):
    source = """
        import threading, time
        for _ in range(200): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        time.sleep(60)
    """
    assert build(zygote, source).limit in (Limit.THREADS, None)
    assert build(zygote, source, NO_WALLS).limit is Limit.THREADS


@pytest.mark.parametrize(("processors", "limit"), [(1.0, None), (20.0, Limit.PROCESSOR)])
def test_threads_that_take_the_processors_from_others_end_the_build(zygote, monkeypatch, processors, limit):
    """Told by the processor time it is said to have used, because how much it gets depends on the machine."""
    zygote.start()
    started = time.monotonic()

    def said(_):
        return supervise._Usage(processor_seconds=processors * (time.monotonic() - started))

    monkeypatch.setattr(supervise, "_usage", said)
    assert build(zygote, "import time; time.sleep(1)").limit is limit


def test_a_zygote_that_has_ended_is_started_anew():
    with Zygote(None) as zygote:
        assert zygote.try_walls(LIMITS).exit_code == 0
        os.kill(zygote._process.pid, signal.SIGKILL)
        zygote._process.wait()
        assert zygote.try_walls(LIMITS).exit_code == 0


def test_a_fork_that_fails_is_told_and_does_not_end_the_zygote(monkeypatch):
    def fails():
        raise BlockingIOError(errno.EAGAIN, "too many processes")

    monkeypatch.setattr(zygote_process.os, "fork", fails)
    monkeypatch.setattr(zygote_process, "_FORK_PAUSE", 0)
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mine, job = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with control, theirs, mine, job:
        socket.send_fds(control, [b"{}"], [job.fileno(), os.dup(2), os.dup(2)])
        assert zygote_process._accept(theirs, selectors.DefaultSelector(), None)
        assert "too many processes" in json.loads(mine.recv(4096))["fault"]
        assert json.loads(mine.recv(4096))["status"] != 0


def test_children_die_with_the_zygote():
    with Zygote(Framework.TORCH) as own, ThreadPoolExecutor(1) as pool:
        own.start()
        future = pool.submit(build, own, "import time; time.sleep(60)", replace(LIMITS, wall_seconds=60))
        (child,) = eventually(lambda: _children(own._process.pid))
        own.close()
        with pytest.raises(SandboxError):
            future.result(timeout=10)
    assert eventually(lambda: not _alive(child))


def test_a_zygote_dies_with_the_controller():
    code = (
        "import sys, time\n"
        "from harness.sandbox.launcher import Zygote\n"
        "from harness.records.framework import Framework\n"
        "z = Zygote(Framework.TORCH); print(z._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as controller:
        zygote_pid = int(controller.stdout.readline())
        controller.send_signal(signal.SIGKILL)
    assert eventually(lambda: not _alive(zygote_pid))


def eventually(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(child) for child in children.read().split()]


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_zygote_that_cannot_start_is_an_error_with_a_way_out(monkeypatch):
    monkeypatch.setattr("harness.sandbox.launcher.sys.executable", "/bin/false")
    with Zygote(Framework.TORCH) as broken, pytest.raises(SandboxError) as error:
        build(broken, "pass")
    assert "pip install" in error.value.try_
