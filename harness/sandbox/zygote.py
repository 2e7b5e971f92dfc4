"""A process that forks one locked child for each job; it has imported one framework, or the compiled engine, and done
nothing else.

Started by `launcher`. It speaks over one SEQPACKET socket: a request is a small JSON object with four descriptors or
more (job socket, result pipe, output pipe, input frames). On the job socket it answers with the child's pidfd, and with
its exit status and resource use once the child has ended. In between, the child itself reports there that its walls are
up, or why not, and closes it before anything else happens.
"""

from __future__ import annotations

import contextlib
import gc
import json
import mmap
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from dataclasses import replace
from typing import Any

from harness.jobs.limits import Isolation, Limits
from harness.jobs.machine import cpu_model
from harness.sandbox import runtime, walls

MAX_REQUEST = 1 << 16
MAX_DESCRIPTORS = 8
_NO_WALLS = 70
_FORK_ATTEMPTS, _FORK_PAUSE = 5, 0.1


def main() -> None:
    """Import what the command line names, unless it should stay cold, and serve until the controller exits.

    An import that starts threads cannot be forked from: the process then starts itself again and stays cold.
    """
    name, descriptor, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    control = socket.socket(fileno=descriptor)
    view = runtime.view()
    cpu_model()  # cached here: its children cannot read it behind their walls
    no_namespaces = walls.missing_namespaces(Limits(), view)
    try:
        if how == "warm":
            _import(name)
    except Exception as error:
        control.send(json.dumps({"ready": False, "reason": f"{type(error).__name__}: {error}"[:1000]}).encode())
        return
    if walls.thread_count() > 1:
        os.execv(sys.executable, [*sys.orig_argv[:-1], "cold"])
    hello = {"ready": True, "warm": how == "warm", "no_namespaces": no_namespaces}
    control.send(json.dumps(hello).encode())
    _serve(control, _Child(view, not no_namespaces))


def _import(name: str) -> None:
    """Import with the garbage collector off: hundreds of thousands of new objects, none of them garbage."""
    gc.disable()
    from harness.child.worker import import_named

    import_named(name)
    gc.freeze()
    gc.enable()


def _serve(control: socket.socket, child: _Child) -> None:
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is not control:
                _report_end(selector, key)
            elif not _accept(control, selector, child):
                return


def _accept(control: socket.socket, selector: selectors.BaseSelector, role: _Child) -> bool:
    """Fork a child for the next request; False once the controller has exited."""
    message, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST, MAX_DESCRIPTORS)
    if not message:
        return False
    job = socket.socket(fileno=descriptors[0])
    parent = os.getpid()
    try:
        child = _fork()
    except OSError as error:
        _refuse(job, f"no process could be started: {error}")
        child = -1
    if child == 0:
        control.detach()
        job.detach()
        role.play(json.loads(message), descriptors, parent)
    for descriptor in descriptors[1:]:
        os.close(descriptor)
    if child > 0:
        _watch(child, job, selector)
    return True


def _fork() -> int:
    """Fork; where there are too many processes at the moment, wait for some to end."""
    for _ in range(_FORK_ATTEMPTS):
        with contextlib.suppress(OSError):
            return os.fork()
        time.sleep(_FORK_PAUSE)
    return os.fork()


def _refuse(job: socket.socket, reason: str) -> None:
    with job, contextlib.suppress(OSError):
        job.send(json.dumps({"fault": reason[:300]}).encode())
        job.send(json.dumps({"status": _NO_WALLS << 8, "peak_memory": 0}).encode())


def _watch(child: int, job: socket.socket, selector: selectors.BaseSelector) -> None:
    """Hand the child's pidfd to the controller, and keep one to be notified of its end."""
    try:
        pidfd = os.pidfd_open(child)
    except OSError as error:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        _refuse(job, f"a process could not be watched: {error}")
        return
    with contextlib.suppress(OSError):  # the controller may have stopped waiting for this job
        socket.send_fds(job, [json.dumps({"pid": child}).encode()], [pidfd])
    selector.register(pidfd, selectors.EVENT_READ, (child, job))


def _report_end(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    child, job = key.data
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)  # what it left behind in its session, while the pid is still its own
    _, status, usage = os.wait4(child, 0)
    selector.unregister(key.fileobj)
    os.close(key.fd)
    answer = {"status": status, "peak_memory": usage.ru_maxrss * 1024}
    with contextlib.suppress(OSError):  # the controller may have stopped waiting for this job
        job.send(json.dumps(answer).encode())
    job.close()


class _Child:
    """What a forked child does: lock itself in, report it, do its job, exit."""

    def __init__(self, view: runtime.View, has_namespaces: bool) -> None:
        self._view = view
        self._has_namespaces = has_namespaces

    def play(self, request: dict[str, Any], descriptors: list[int], parent: int) -> None:
        """Never returns."""
        code = _NO_WALLS
        try:
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            _redirect(descriptors[2])
            self._lock_in(request["limits"], descriptors, parent)
            if request["job"] is not None:
                from harness.child import worker  # not before: a cold child imports everything behind its walls

                worker.run(request["job"], descriptors[1], [_mapped(item) for item in descriptors[3:]])
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _lock_in(self, limits: dict[str, Any], descriptors: list[int], parent: int) -> None:
        """Put up the walls and notify the controller, over a socket that is closed before the job starts."""
        job, result, _, *inputs = descriptors
        started = time.perf_counter()
        try:
            walls.confine(self._chosen(limits), (job, result, *inputs), parent, self._view)
        except OSError as error:
            _tell(job, {"fault": str(error)[:300]})
            raise
        _tell(job, {"locked": time.perf_counter() - started})
        os.close(job)

    def _chosen(self, limits: dict[str, Any]) -> Limits:
        chosen = Limits(**{**limits, "isolation": Isolation(limits["isolation"])})
        if chosen.isolation is Isolation.WALLS and not self._has_namespaces:
            return replace(chosen, isolation=Isolation.NO_NAMESPACES)
        return chosen


def _tell(job: int, content: dict[str, object]) -> None:
    """Behind the walls a socket may be written to like a file, but not sent through."""
    os.write(job, json.dumps(content).encode())


def _mapped(descriptor: int) -> memoryview:
    """An input frame, mapped rather than copied."""
    view = memoryview(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ))
    os.close(descriptor)
    return view


def _redirect(output: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


if __name__ == "__main__":
    main()
