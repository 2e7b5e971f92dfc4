"""What a locked process may see of the disk: the Python runtime and the system's libraries, but not our data sets."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
HIDDEN = (str(PACKAGE / "datasets"),)
"""What lies among the runtime's files and must not be seen: the test labels are in there."""

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

    Not a folder that merely lies on the path, like a checkout or a package installed for editing: submissions, results
    or model solutions may lie in it.
    """
    known = sysconfig.get_paths()
    paths = {known[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {os.path.join(sys.base_prefix, "lib"), os.path.dirname(os.__file__)}
    return paths | {path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")}


def without_hidden(path: str) -> list[str]:
    """The path, or, where something hidden lies below it, everything around that.

    A Landlock rule allows a whole subtree and cannot except a part of it.
    """
    real = os.path.realpath(path)
    if real in HIDDEN:
        return []
    if not any(hidden.startswith(real + "/") for hidden in HIDDEN):
        return [path]
    return [found for name in sorted(os.listdir(real)) for found in without_hidden(os.path.join(real, name))]
