"""The memory of one program: values, gradients, and what batches bring along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.engine.layout import Plan, Spot
from harness.engine.linked import Linker, Scratch
from harness.engine.steps import Floats
from harness.engine.tensors import Tensors, zeros

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Batch:
    """Which images, one for each lane; the last ones fill up lanes without an image of their own. `labels`, `weights`
    of the loss and `mask` have a float for each lane; `drawn` are the random numbers of nodes, where they are given."""

    images: npt.NDArray[np.uint8]
    order: npt.NDArray[np.int64]
    count: int
    blocks: int
    mask: Floats
    labels: Floats | None = None
    weights: Floats | None = None
    drawn: Mapping[str, Array] = field(default_factory=dict)


def batch_of(
    images: npt.NDArray[np.uint8], chosen: npt.NDArray[np.int64], lanes: int, labels: Array | None = None, **more: Any
) -> Batch:
    """The chosen images, with their labels (one for each of all images) if they are to be learned."""
    count = len(chosen)
    blocks = -(-count // lanes)
    order = zeros((blocks * lanes,), np.int64)
    order[:] = chosen[0]
    order[:count] = chosen
    mask = zeros((blocks * lanes,))
    mask[:count] = 1
    if labels is None:
        return Batch(images, order, count, blocks, mask, **more)
    known = zeros((blocks * lanes,))
    known[:] = labels[order]
    weights = zeros((blocks * lanes,))
    weights[:count] = np.float32(1 / count)
    return Batch(images, order, count, blocks, mask, known, weights, **more)


class Memory:
    """Values and gradients of a plan's roots, for up to `most` images at once."""

    def __init__(self, plan: Plan, tensors: Tensors, linker: Linker, most: int, *, trains: bool) -> None:
        self.tensors, self.linker, self.trains = tensors, linker, trains
        self.code, self.lanes, self.registers = linker.code, linker.host.lanes, linker.host.registers
        self.blocks = -(-most // self.lanes)
        self._roots = plan.roots
        room = self.blocks * self.lanes
        self.values = [zeros((root.size * room,)) for root in plan.roots]
        self._gradients = [zeros((root.size * room,)) if trains and root.has_gradient else None for root in plan.roots]
        self._written: set[int] = set()
        self._matrices: dict[tuple[int, int, bool], Floats] = {}
        self.sums, self.scratch = Scratch(), Scratch()
        self.nothing = zeros((self.lanes,))
        self._random = np.random.SFC64(0)

    def draw_from(self, random: np.random.SFC64) -> None:
        """Where random numbers come from."""
        self._random = random

    def random_words(self, count: int) -> npt.NDArray[np.uint32]:
        """Whole numbers of 32 bits, all equally likely."""
        drawn: npt.NDArray[np.uint64] = self._random.random_raw(-(-count // 2))
        return drawn.view(np.uint32)[:count]

    def value(self, spot: Spot) -> Floats:
        """The memory of a value's root."""
        found: Floats = self.values[spot.root]
        return found

    def has_gradient(self, spot: Spot) -> bool:
        """Whether a gradient of this value is wanted."""
        return self._gradients[spot.root] is not None

    def gradient(self, spot: Spot) -> Floats:
        """The memory of a gradient's root; it is laid out as that of the value."""
        found = self._gradients[spot.root]
        assert found is not None, "no gradient is wanted here"
        return found

    def written_first(self, spot: Spot, *, fully: bool = True) -> tuple[bool, list[Callable[[Batch], None]]]:
        """Whether a gradient must be added to what later steps have written, and what to do before. Call it in the
        order of the way back. Who does not write `fully` finds zeros where nothing else was written."""
        is_first = spot.root not in self._written
        self._written.add(spot.root)
        if not is_first:
            return True, []
        if fully and spot.place.count == self._roots[spot.root].count:
            return False, []
        gradient = self.gradient(spot)
        return True, [lambda _: gradient.fill(0)]

    def matrix(self, spot: Spot, blocks: int, *, of_gradient: bool = False) -> Floats:
        """A value in rows as (numbers, lanes of all blocks)."""
        key = (spot.root, blocks, of_gradient)
        if key not in self._matrices:
            memory = self.gradient(spot) if of_gradient else self.value(spot)
            count, width = spot.place.count, blocks * self.lanes
            self._matrices[key] = memory[: count * width].reshape(count, width)
        return self._matrices[key]

    def read(self, spot: Spot, batch: Batch, dims: Sequence[int]) -> Floats:
        """A copy of a value: (images, *dims)."""
        return np.ascontiguousarray(self._images(spot, batch)).reshape(-1, *dims)[: batch.count].copy()

    def write(self, spot: Spot, batch: Batch, images: Floats) -> None:
        """Set a value: (images, *dims). Lanes without an image are 0."""
        blocks, lanes = batch.blocks, self.lanes
        given = np.zeros((blocks * lanes, *spot.place.dims), np.float32)
        given[: batch.count] = images.reshape(batch.count, *spot.place.dims)
        self._images(spot, batch)[...] = given.reshape(blocks, lanes, *spot.place.dims)

    def _images(self, spot: Spot, batch: Batch) -> Floats:
        """A value as an array (blocks, lanes, channels, height, width), in its own memory."""
        place, lanes, blocks = spot.place, self.lanes, batch.blocks
        unit = 4 * lanes * (blocks if place.is_rows else 1)
        strides = (4 * lanes * (1 if place.is_rows else place.size), 4, *(unit * stride for stride in place.strides))
        start = self.value(spot)[place.offset * unit // 4 :]
        return np.lib.stride_tricks.as_strided(start, (blocks, lanes, *place.dims), strides)
