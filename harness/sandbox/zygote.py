"""A process that has imported one framework and done nothing else; it forks one child for each job.

Started by `launcher`. It speaks over one SEQPACKET socket: a request is a small JSON object with four descriptors or
more (job socket, result pipe, output pipe, input frames). On the job socket it answers with the child's pidfd, and
with its exit status and resource use once the child has ended.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import traceback

MAX_REQUEST = 1 << 16
MAX_DESCRIPTORS = 8


def main() -> None:
    """Import the framework named on the command line and serve jobs until the controller goes."""
    framework, descriptor = sys.argv[1], int(sys.argv[2])
    control = socket.socket(fileno=descriptor)
    try:
        _import_framework(framework)
    except Exception as error:
        control.send(json.dumps({"ready": False, "reason": f"{type(error).__name__}: {error}"[:1000]}).encode())
        return
    control.send(json.dumps({"ready": True}).encode())
    _serve(control)


def _import_framework(framework: str) -> None:
    """Import with the garbage collector off: hundreds of thousands of new objects, none of them garbage."""
    gc.disable()
    from harness.worker import import_backend

    import_backend(framework)
    gc.freeze()
    gc.enable()


def _serve(control: socket.socket) -> None:
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is not control:
                _report_end(selector, key)
            elif not _accept(control, selector):
                return


def _accept(control: socket.socket, selector: selectors.BaseSelector) -> bool:
    """Fork a child for the next request; False once the controller has gone."""
    message, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST, MAX_DESCRIPTORS)
    if not message:
        return False
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        control.detach()
        _become_child(json.loads(message), descriptors, parent)
    pidfd = os.pidfd_open(child)
    job = socket.socket(fileno=descriptors[0])
    for descriptor in descriptors[1:]:
        os.close(descriptor)
    socket.send_fds(job, [json.dumps({"pid": child}).encode()], [pidfd])
    selector.register(pidfd, selectors.EVENT_READ, (child, job))
    return True


def _report_end(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    child, job = key.data
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)  # what it left behind in its session, while its number is still its own
    _, status, usage = os.wait4(child, 0)
    selector.unregister(key.fileobj)
    os.close(key.fd)
    answer = {"status": status, "peak_memory": usage.ru_maxrss * 1024}
    with contextlib.suppress(OSError):  # the controller may have stopped waiting for this job
        job.send(json.dumps(answer).encode())
    job.close()


def _become_child(request: dict[str, object], descriptors: list[int], parent: int) -> None:
    """Run one job and exit; never returns."""
    code = 70
    try:
        from harness import worker

        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _redirect(descriptors[2])
        worker.run(request, result=descriptors[1], inputs=descriptors[3:], parent=parent)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _redirect(output: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


if __name__ == "__main__":
    main()
