"""The code of `field.py`, the file that the runner adds to every hostile submission, after the names of the place."""

import contextlib
import ctypes
import os
import stat

NONCE = globals().get("NONCE", "")
MARKS = globals().get("MARKS", "")
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def reached(evidence):
    """Say that the attack got through. Written straight to the descriptor, whatever became of `print`."""
    os.write(1, f"\nREACHED {NONCE} {str(evidence)[:150]!a}\n".encode())


def attempt(name, function):
    """Call the function: it got through unless it raises or says False."""
    try:
        value = function()
    except BaseException as error:
        print(f"denied: {name}: {type(error).__name__}: {str(error)[:100]!a}", flush=True)
        return
    if value is not False:
        reached(name if value is None else f"{name}: {value!r}")


def syscall(number, *arguments):
    """A raw system call; raises OSError."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    value = _libc.syscall(ctypes.c_long(number), *words)
    if value == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return value


_REFUSED = {"EPERM", "ENOSYS", "EACCES"}


def probe(calls):
    """Try system calls with arguments that do nothing: what is not refused outright got into the kernel."""
    for name, (number, *arguments) in calls.items():
        try:
            syscall(number, *arguments)
            reached(name)
        except OSError as error:
            import errno

            word = errno.errorcode.get(error.errno, error.errno)
            (print if word in _REFUSED else reached)(f"{name} answers {word}")


def touch(name):
    """Make an empty mark that the field sees from outside."""
    with contextlib.suppress(OSError):
        os.close(os.open(f"{MARKS}/{name}", os.O_WRONLY | os.O_CREAT, 0o644))


def pipes():
    """The pipes that this process was left with: one of them carries the result."""
    found = []
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                found.append(descriptor)
    return found


def send(data):
    """Write to every pipe there is, as the harness would."""
    for descriptor in pipes():
        view = memoryview(data)
        with contextlib.suppress(OSError):
            while view:
                view = view[os.write(descriptor, view) :]


def lift_limits():
    """Take back what limits of size and memory can be taken back, for attacks that need room."""
    import resource

    for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_AS, resource.RLIMIT_NOFILE):
        with contextlib.suppress(OSError, ValueError):
            wanted = 4096 if kind == resource.RLIMIT_NOFILE else resource.RLIM_INFINITY
            resource.setrlimit(kind, (wanted, wanted))
