"""Landlock: a process gives up the right to open any file that it did not list. Kernel 6.2 or newer."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from harness.sandbox import kernel

MIN_ABI = 3
"""The first version that also stops truncating a file by its path."""

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_NO_LOG = 1  # a submission's denied requests would fill the machine's audit log
_FILE_SYSTEM_RIGHTS = {3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_ALL_NET_RIGHTS = 0b11
_ALL_SCOPES = 0b11

WRITE_FILE, READ_FILE, READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REGULAR, _TRUNCATE = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 14
READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REGULAR | _TRUNCATE
_FILE_ONLY = 1 | WRITE_FILE | READ_FILE | _TRUNCATE | (1 << 15)


def abi() -> int:
    """The kernel's version of Landlock; 0 where there is none."""
    try:
        return kernel.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    except OSError:
        return 0


def restrict(rules: Iterable[tuple[str, int]]) -> None:
    """From now on, open nothing except what the rules (path, rights) allow, the path itself and all below it.

    Sockets cannot be bound or connected, and no process outside be signalled, where the kernel's version knows that.
    """
    version = abi()
    if version < MIN_ABI:
        raise OSError(f"Landlock version {version}, but {MIN_ABI} is needed")
    handled = _FILE_SYSTEM_RIGHTS[min(version, 5)]
    attributes = struct.pack("<QQQ", handled, _ALL_NET_RIGHTS, _ALL_SCOPES)[: _attribute_size(version)]
    ruleset = kernel.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    try:
        for path, rights in rules:
            _allow(ruleset, path, rights & handled)
        flags = _NO_LOG if version >= 7 else 0
        kernel.syscall(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(flags))
    finally:
        os.close(ruleset)


def _attribute_size(version: int) -> int:
    if version >= 6:
        return 24
    return 16 if version >= 4 else 8


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _FILE_ONLY
        rule = struct.pack("<Qi", rights, descriptor)
        kind, flags = ctypes.c_int(_RULE_PATH_BENEATH), ctypes.c_uint32(0)
        kernel.syscall(_ADD_RULE, ctypes.c_int(ruleset), kind, ctypes.create_string_buffer(rule, len(rule)), flags)
    finally:
        os.close(descriptor)
