"""A private root folder in private namespaces: the process cannot even look for what it is not given."""

from __future__ import annotations

import os

from harness.jobs.limits import MIB, Limits
from harness.sandbox import kernel
from harness.sandbox.runtime import View

SCRATCH = "/harness-scratch"
_STAGE = "/tmp"
_OLD = "/old"
_NOBODY = 65534
_PLAIN = kernel.MS_NOSUID | kernel.MS_NODEV
_NAMESPACES = kernel.NEW_USER | kernel.NEW_NS | kernel.NEW_NET | kernel.NEW_IPC | kernel.NEW_UTS


def enter(limits: Limits, view: View) -> None:
    """Leave the network, the mounts and the users of the machine. Needs user namespaces; raises OSError without.

    Afterwards the disk consists of `view`, read-only, of this process's own part of /proc, and of a temporary folder
    that disappears with the process.
    """
    real = {path: os.path.realpath(path) for path in view.paths}
    _unshare()
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", _STAGE, "tmpfs", _PLAIN, f"size={MIB},nr_inodes=4096,mode=755")
    os.mkdir(_STAGE + _OLD)
    kernel.pivot_root(_STAGE, _STAGE + _OLD)
    for path in view.paths:
        _bind(real[path], path)
    for folder in view.hidden:
        kernel.mount("tmpfs", folder, "tmpfs", _PLAIN, "size=4096,nr_inodes=1,mode=000")
    _bind_own_process()
    kernel.unmount(_OLD)
    os.rmdir(_OLD)
    _mount_scratch(limits)


def _unshare() -> None:
    """New namespaces, in which this user is nobody."""
    user, group = os.getuid(), os.getgid()
    kernel.unshare(_NAMESPACES)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{_NOBODY} {user} 1"), ("gid_map", f"{_NOBODY} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _bind(real: str, path: str) -> None:
    """A path of the old root in the new one. Links have been resolved: /lib may be one there, and a folder here."""
    if os.path.isdir(_OLD + real):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
    kernel.mount(_OLD + real, path, flags=kernel.MS_BIND | kernel.MS_REC)
    kernel.make_read_only(path)


def _bind_own_process() -> None:
    process = str(os.getpid())
    os.makedirs(f"/proc/{process}", exist_ok=True)
    kernel.mount(f"{_OLD}/proc/{process}", f"/proc/{process}", flags=kernel.MS_BIND)
    os.symlink(process, "/proc/self")


def _mount_scratch(limits: Limits) -> None:
    """The root becomes read-only first; the only writable place is mounted on top of it."""
    os.makedirs(SCRATCH, exist_ok=True)
    kernel.mount("none", "/", flags=kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | _PLAIN)
    size = f"size={limits.scratch},nr_inodes={limits.scratch_files},mode=1777"
    kernel.mount("tmpfs", SCRATCH, "tmpfs", _PLAIN | kernel.MS_NOEXEC, size)
