"""A graph's steps bound to memory and machine code: one pass over a batch, and the way back."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from harness.engine import bound, layers
from harness.engine.bound import Action, Bound
from harness.engine.kernels import batches
from harness.engine.layout import Placed, Plan
from harness.engine.linked import Linker
from harness.engine.memory import Batch, Memory
from harness.engine.steps import (
    Convolution,
    Copying,
    Dense,
    Dropping,
    Floats,
    Normalization,
    Pointwise,
    Pooling,
    Scaling,
    Softening,
    numbers_of,
)
from harness.engine.tensors import Tensors, zeros
from harness.records.graph import OutputKind

_BOUND: dict[type, Callable[[Memory, Placed], Bound]] = {
    Convolution: layers.convolution,
    Normalization: layers.normalization,
    Pointwise: bound.pointwise_step,
    Pooling: bound.pooling,
    Dense: bound.dense,
    Scaling: bound.scaling,
    Dropping: bound.dropping,
    Softening: bound.softening,
    Copying: bound.copying,
}
_LARGEST = float(np.finfo(np.float32).max)


class Program:
    """One graph, ready to run on batches of up to `most` images once its linker has linked."""

    def __init__(self, plan: Plan, tensors: Tensors, linker: Linker, most: int, divisor: int, *, trains: bool) -> None:
        self._plan, self._tensors = plan, tensors
        self.memory = Memory(plan, tensors, linker, most, trains=trains)
        self._gather = bound.gather(self.memory, plan.images, divisor)
        self._bound = [_BOUND[type(placed.step)](self.memory, placed) for placed in plan.steps]
        self._forward = [action for one in self._bound for action in one.forward]
        self._backward: list[Action] = []

    def bind_loss(self, kind: OutputKind, floor: float) -> None:
        """Write the loss, and the way back from it."""
        self._announce()
        self._loss = self._loss_kernel(kind, floor)
        if self.memory.has_gradient(self._plan.output):
            self.memory.written_first(self._plan.output)
            self._backward = [action for one in reversed(self._bound) for action in one.bind()]

    def _announce(self) -> None:
        for placed in self._plan.steps:
            for numbers in numbers_of(placed.step):
                self._tensors.announce(numbers)

    def _loss_kernel(self, kind: OutputKind, floor: float) -> Callable[[Batch], Floats]:
        memory, output = self.memory, self._plan.output
        room = memory.blocks * memory.lanes
        labels, weights, losses = zeros((room,)), zeros((room,)), zeros((room,))
        has_gradient = memory.has_gradient(output)
        gradient = memory.gradient(output) if has_gradient else zeros((memory.value(output).size,))
        name = batches.loss(memory.code, output.place, kind, floor)
        kernel = memory.linker.kernel(name, memory.value(output), labels, weights, gradient, losses)

        def action(batch: Batch) -> Floats:
            assert batch.labels is not None and batch.weights is not None
            labels[: len(batch.labels)], weights[: len(batch.weights)] = batch.labels, batch.weights
            kernel(batch.blocks)
            return losses[: batch.count]

        return action

    def forward(self, batch: Batch, images: Floats | None = None) -> None:
        """From the batch's images, or from these floats, to outputs."""
        if images is None:
            self._gather(batch)
        else:
            self.memory.write(self._plan.images, batch, images)
        for action in self._forward:
            action(batch)

    def loss(self, batch: Batch) -> float:
        """The mean loss of the batch after `forward`; its gradient by the outputs is then known. Infinite where the sum
        is too large for float32, as it is in the frameworks."""
        total = float(self._loss(batch).sum(dtype=np.float64))
        return total / batch.count if abs(total) <= _LARGEST else total * math.inf

    def backward(self, batch: Batch) -> None:
        """From the gradient of the outputs to those of the tensors."""
        self._tensors.forget()
        for action in self._backward:
            action(batch)

    def outputs(self, batch: Batch) -> npt.NDArray[np.float32]:
        """The outputs of a batch: (images, classes)."""
        output = self._plan.output
        return self.memory.read(output, batch, (output.place.count,))

    def layer(self, name: str, batch: Batch) -> npt.NDArray[np.float32]:
        """What a layer read: (images, *its shape)."""
        spot, dims = self._plan.layers[name]
        return self.memory.read(spot, batch, dims)
