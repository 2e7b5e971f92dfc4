"""What a locked process may see of the disk: the Python runtime and the system's libraries, but not our data sets."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


@functools.cache
def hidden_folders() -> tuple[str, ...]:
    """Files inside the runtime's folders that must stay hidden: the data sets, test labels included.

    Those of every installed copy of this package, not only the running one.
    """
    copies = {str(PACKAGE), *(os.path.join(path, PACKAGE.name) for path in _python_paths())}
    folders = {os.path.realpath(os.path.join(copy, "datasets")) for copy in copies}
    return tuple(sorted(folder for folder in folders if os.path.isdir(folder)))


_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/dev/null",
    "/dev/urandom",
)
DEVICES_TO_WRITE = ("/dev/null",)


def visible_paths() -> list[str]:
    """Existing paths, none below another, that a framework needs in order to be imported and to run."""
    wanted = {*_SYSTEM, *_python_paths(), str(PACKAGE)}
    existing = sorted({path for path in wanted if os.path.exists(path)})
    return [path for path in existing if not any(path.startswith(other + "/") for other in existing)]


def _python_paths() -> set[str]:
    """Standard library and installed packages.

    Not a folder that is merely on the path, like a checkout or an editable install: it may contain submissions, results
    or model solutions.
    """
    known = sysconfig.get_paths()
    paths = {known[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {os.path.join(sys.base_prefix, "lib"), os.path.dirname(os.__file__)}
    return paths | {path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")}


def hidden_below(path: str) -> list[str]:
    """The hidden folders below a path, by the names that they have from there, whatever links lead to it."""
    real = os.path.realpath(path)
    return [path + folder[len(real) :] for folder in hidden_folders() if folder.startswith(real + "/")]


def without_hidden(path: str) -> list[str]:
    """The path, or, if something hidden is below it, everything around that, without links.

    A Landlock rule allows a whole subtree and cannot except a part of it.
    """
    if os.path.realpath(path) in hidden_folders():
        return []
    if not hidden_below(path):
        return [path]
    parts = [os.path.join(path, name) for name in sorted(os.listdir(path))]
    return [found for part in parts if not os.path.islink(part) for found in without_hidden(part)]


@dataclass(frozen=True)
class View:
    """What locked processes see of the disk, found once for all of them.

    `paths` are shown; `hidden` are folders below them that are not. `readable` is `paths` without what is hidden, and
    `listable` are those that had to be split for it.
    """

    paths: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    listable: tuple[str, ...] = ()


def view() -> View:
    """The view of this interpreter."""
    paths = visible_paths()
    return View(
        paths=tuple(paths),
        hidden=tuple(folder for path in paths for folder in hidden_below(path)),
        readable=tuple(part for path in paths for part in without_hidden(path)),
        listable=tuple(path for path in paths if hidden_below(path)),
    )
