"""Kernels that are called: functions of a module with the memory that they work on, linked once all are written."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from harness.engine.compiled import Compiled, Host
from harness.engine.tensors import zeros
from harness.engine.writer import Code

Array = npt.NDArray[Any]


class Scratch:
    """Memory that several kernels use one after the other; as large as the largest of them needs."""

    def __init__(self) -> None:
        self._size = 0
        self._array: Array | None = None

    def grow(self, size: int) -> Scratch:
        """Ask for so many floats."""
        self._size = max(self._size, size)
        return self

    def array(self, *shape: int) -> Array:
        """The first floats in this shape."""
        if self._array is None:
            self._array = zeros((self._size,))
        return self._array[: math.prod(shape)].reshape(shape)


class Kernel:
    """A function of the module with its memory; called with the number of blocks."""

    def __init__(self, name: str, arguments: tuple[Array | Scratch | int, ...]) -> None:
        self.name = name
        self._arguments = arguments
        self._function: Any = None
        self._addresses: tuple[int, ...] = ()

    def link(self, compiled: Compiled) -> None:
        """Find the function and the addresses; the arrays stay alive with the kernel."""
        self._function = compiled.function(self.name, len(self._arguments) + 1)
        self._addresses = tuple(_address(argument) for argument in self._arguments)

    def __call__(self, blocks: int) -> None:
        """Run it on so many blocks."""
        self._function(*self._addresses, blocks)


def _address(argument: Array | Scratch | int) -> int:
    if isinstance(argument, int):
        return argument
    array = argument.array(1) if isinstance(argument, Scratch) else argument
    return int(array.ctypes.data)


class Linker:
    """Collects kernels while their functions are written, then compiles all of them at once."""

    def __init__(self, chosen: Host) -> None:
        self.host = chosen
        self.code = Code(chosen.lanes)
        self._kernels: list[Kernel] = []
        self._compiled: Compiled | None = None
        self._open: dict[str, Callable[..., None]] = {}

    def kernel(self, name: str, *arguments: Array | Scratch | int) -> Kernel:
        """A call of the function of this name."""
        self._kernels.append(Kernel(name, arguments))
        return self._kernels[-1]

    def open_kernel(self, name: str, arguments: int) -> Callable[..., None]:
        """A call of the function of this name that is given every address."""
        return lambda *given: self._opened(name, arguments)(*given)

    def _opened(self, name: str, arguments: int) -> Callable[..., None]:
        if name not in self._open:
            assert self._compiled is not None, "not linked yet"
            self._open[name] = self._compiled.function(name, arguments)
        return self._open[name]

    def link(self) -> None:
        """Compile the module; from now on the kernels can be called."""
        self._compiled = Compiled(self.code, self.host)
        for kernel in self._kernels:
            kernel.link(self._compiled)
