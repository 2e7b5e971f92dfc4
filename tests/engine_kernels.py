"""One function of the compiled engine on an array, for tests: compiled as a kernel of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from harness.engine.compiled import HOSTS
from harness.engine.linked import Linker
from harness.engine.tensors import zeros
from harness.engine.values import Vector

Floats = np.ndarray[Any, np.dtype[np.float32]]


def on_arrays(functions: Sequence[Callable[..., Vector]], arrays: Sequence[Floats], isa: str) -> list[Floats]:
    """The result of each function of these arrays, element by element, from one module."""
    linker, size = Linker(HOSTS[isa]), -(-len(arrays[0]) // 16) * 16
    read = [zeros((size,)) for _ in arrays]
    for memory, array in zip(read, arrays, strict=True):
        memory[: len(array)] = array
    written = [zeros((size,)) for _ in functions]
    kernels = []
    for place, function in enumerate(functions):

        def body(w: Any, *pointers: Any, function: Any = function) -> None:
            *given, into, vectors = pointers
            w.loop(vectors, lambda i: into.__setitem__(i, function(*(pointer[i] for pointer in given))))

        kinds = [linker.code.floats] * (len(read) + 1)
        name = linker.code.function(("test", place), (*kinds, None), body, internal=False)
        kernels.append(linker.kernel(name, *read, written[place]))
    linker.link()
    for kernel in kernels:
        kernel(size // linker.code.lanes)
    return [array[: len(arrays[0])].copy() for array in written]
