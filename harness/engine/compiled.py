"""Compiles a module for the processor this process runs on, in memory. No compiler is needed, and no file written."""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm

from harness.engine.writer import Code

_OPTIMIZATION = 2
"""The level of code generation. The optimizer before it is left out: it takes as long again, and what it makes of these
kernels is not faster."""


@dataclass(frozen=True)
class Host:
    """What decides how kernels are written: the instruction set, and how many floats a vector holds."""

    isa: str
    lanes: int
    registers: int
    """Vectors that a tile's sums may take, of those the processor has."""


HOSTS = {
    host.isa: host for host in (Host("AVX-512", 16, 30), Host("AVX2", 8, 14), Host("NEON", 4, 24), Host("SSE2", 4, 12))
}


@functools.cache
def host() -> Host:
    """The best that this processor has."""
    features = llvm.get_host_cpu_features()
    if platform.machine() in ("aarch64", "arm64"):
        return HOSTS["NEON"]
    if all(features.get(name) for name in ("avx512f", "avx512vl", "avx512bw", "avx512dq")):
        return HOSTS["AVX-512"]
    return HOSTS["AVX2" if features.get("avx2") and features.get("fma") else "SSE2"]


class Compiled:
    """The machine code of a module. Its memory lives as long as this object, so whoever calls a function keeps it."""

    def __init__(self, code: Code, chosen: Host) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        module = llvm.parse_assembly(str(code.module))
        module.verify()
        self._engine = llvm.create_mcjit_compiler(module, _machine(chosen))
        self._engine.finalize_object()

    def function(self, name: str, arguments: int) -> Callable[..., Any]:
        """A function of the module by its name; each argument is an address or a whole number."""
        kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * arguments)
        return kind(self._engine.get_function_address(name))


def _machine(chosen: Host) -> llvm.TargetMachine:
    cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features()
    if chosen.isa != "AVX-512":
        features = {name: on and not name.startswith(("avx512", "avx10")) for name, on in features.items()}
    listed = ",".join(_signed(features.items()))
    preferred = f"{listed},-prefer-256-bit" if chosen.isa == "AVX-512" else listed
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=cpu, features=preferred, opt=_OPTIMIZATION)


def _signed(features: Iterable[tuple[str, bool]]) -> list[str]:
    return [f"{'+' if on else '-'}{name}" for name, on in features]
