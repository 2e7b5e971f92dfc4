"""A model's tensors while it is trained: float32, the trainable ones one after the other in one piece of memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.engine.steps import Floats, Numbers
from harness.records.graph import Tensor

ALIGNMENT = 64
"""Bytes: those of the longest vector."""


def zeros(shape: tuple[int, ...], kind: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """Zeros that begin where a vector may begin."""
    kind = np.dtype(kind)
    raw = np.zeros(math.prod(shape) * kind.itemsize + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + math.prod(shape) * kind.itemsize].view(kind).reshape(shape)


def _checked(specs: Iterable[Tensor], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Kernels rely on the shapes of the specs. The audit has compared them already; it ran in another process."""
    expected = {spec.name: spec.shape for spec in specs}
    if {name: array.shape for name, array in arrays.items()} != expected:
        raise ValueError("tensors of other names or shapes than the graph's")


class Tensors:
    """Every tensor by its name, and the gradients of the trainable ones. Raises ValueError for arrays of other names or
    shapes than the specs'."""

    def __init__(self, specs: Iterable[Tensor], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self._specs = specs = list(specs)
        _checked(specs, arrays)
        self.trainable = tuple(spec.name for spec in specs if spec.trainable and spec.is_float)
        self._given = dict(arrays)
        size = sum(arrays[name].size for name in self.trainable)
        self.size = size + -size % (ALIGNMENT // 4)
        self.parameters, self.gradients = zeros((self.size,)), zeros((self.size,))
        floats = [spec.name for spec in specs if spec.is_float]
        self._arrays: dict[str, Floats] = {
            name: np.array(arrays[name], np.float32) for name in floats if name not in self.trainable
        }
        self._slopes: dict[str, Floats] = {}
        start = 0
        for name in self.trainable:
            stop = start + arrays[name].size
            self._arrays[name] = self.parameters[start:stop].reshape(arrays[name].shape)
            self._slopes[name] = self.gradients[start:stop].reshape(arrays[name].shape)
            self._arrays[name][...] = arrays[name]
            start = stop
        self._shared: set[str] = set()
        self._seen: set[str] = set()

    def __getitem__(self, name: str) -> Floats:
        return self._arrays[name]

    def load(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Replace the numbers of every tensor. Raises ValueError for arrays of other names or shapes."""
        _checked(self._specs, arrays)
        for name, array in self._arrays.items():
            array[...] = arrays[name]

    def read(self, numbers: Numbers) -> Floats:
        """A tensor or constant as a step reads it."""
        return numbers.of(self._arrays[numbers.tensor] if numbers.constant is None else numbers.constant)

    def learns(self, numbers: Numbers | None) -> bool:
        """Whether these numbers are trained."""
        return numbers is not None and numbers.tensor in self._slopes

    def announce(self, numbers: Numbers) -> None:
        """Say that a step will learn them: a tensor of several steps sums its gradients."""
        if self.learns(numbers):
            (self._shared if numbers.tensor in self._seen else self._seen).add(numbers.tensor)

    def forget(self) -> None:
        """Before a step: gradients that are summed start at 0."""
        for name in self._shared:
            self._slopes[name][...] = 0

    def target(self, numbers: Numbers) -> Floats | None:
        """Where a gradient may be written as the step reads the tensor; None where it must be handed in."""
        if numbers.tensor in self._shared:
            return None
        found = numbers.of(self._slopes[numbers.tensor])
        return found if np.shares_memory(found, self.gradients) else None

    def learn(self, numbers: Numbers, gradient: Floats) -> None:
        """Hand in a gradient of what a step read."""
        slope = self._slopes[numbers.tensor]
        found = numbers.back(gradient, slope.shape)
        if numbers.tensor in self._shared:
            slope += found
        else:
            slope[...] = found

    def slopes(self) -> dict[str, Floats]:
        """A copy of every gradient."""
        return {name: slope.copy() for name, slope in self._slopes.items()}

    def now(self) -> dict[str, npt.NDArray[Any]]:
        """Every tensor as it is now, in the types that they came in."""
        return {
            name: self._arrays[name].astype(given.dtype, order="C") if name in self._arrays else given
            for name, given in self._given.items()
        }
