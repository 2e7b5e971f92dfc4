"""A stand-in for the grader and for other people's processes: it holds secrets, listens, and logs whoever reaches it.

Started by `attack_field` as a script with a folder; it prints what an attack may know of it as one JSON line.
"""

import ctypes
import json
import os
import selectors
import signal
import socket
import sys
from pathlib import Path

PTRACER, ANYBODY = 0x59616D61, -1
SIGNALS = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGIO, signal.SIGRTMIN)


def main():
    folder = Path(sys.argv[1])
    # Some systems let only a parent look into a process: then our walls would not be what protects this one.
    ctypes.CDLL(None).prctl(PTRACER, ctypes.c_long(ANYBODY), 0, 0, 0)
    log = os.open(folder / "victim.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in SIGNALS:
        signal.signal(number, lambda number, _: os.write(log, f"got signal {signal.Signals(number).name}\n".encode()))
    kept = ctypes.create_string_buffer(os.environ["ATTACK_SECRET"].encode())
    secret = os.memfd_create("answers")
    os.write(secret, kept.value)
    selector = selectors.DefaultSelector()
    places = listen(folder, selector)
    selector.register(sys.stdin, selectors.EVENT_READ, "synchronised")
    print(json.dumps({**places, "VICTIM": os.getpid(), "ADDRESS": ctypes.addressof(kept), "FD": secret}), flush=True)
    serve(selector, log)


def listen(folder, selector):
    """Open one listener of each kind; returns where they are."""
    abstract = f"attack-{os.getpid()}"
    tcp, stream = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
    stream.bind(str(folder / "listener"))
    hidden = socket.socket(socket.AF_UNIX)
    hidden.bind("\0" + abstract)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    for kind, item in {"TCP": tcp, "unix": stream, "abstract unix": hidden, "UDP": udp}.items():
        if kind != "UDP":
            item.listen()
        selector.register(item, selectors.EVENT_READ, f"was reached over {kind}")
    ports = {"TCP": tcp.getsockname()[1], "UDP": udp.getsockname()[1]}
    return {**ports, "UNIX": str(folder / "listener"), "ABSTRACT": abstract}


def serve(selector, log):
    """Log each contact until the field closes our standard input."""
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                if not os.read(0, 100):
                    return
            elif key.fileobj.type == socket.SOCK_DGRAM:
                key.fileobj.recv(1 << 16)
            else:
                key.fileobj.accept()[0].close()
            os.write(log, f"{key.data}\n".encode())


if __name__ == "__main__":
    main()
