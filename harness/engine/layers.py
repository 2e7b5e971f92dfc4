"""Convolutions and batch normalizations bound to their memory."""

from __future__ import annotations

import numpy as np

from harness.engine.bound import Action, Bound, kept_of, run, sum_lanes
from harness.engine.kernels import convolution as kernels
from harness.engine.kernels import normalization as normal
from harness.engine.layout import Placed
from harness.engine.memory import Batch, Memory
from harness.engine.steps import Convolution, Floats, Normalization
from harness.engine.tensors import zeros


def convolution(memory: Memory, placed: Placed) -> Bound:
    """A convolution with its epilogue."""
    step, (x,), y = placed.step, placed.reads, placed.writes
    assert isinstance(step, Convolution)
    weight = memory.tensors.read(step.weight)
    dims = step.geometry.results(weight.shape[0], x.place.dims)
    has_bias = step.bias is not None
    sizes = kernels.Sizes(x.place, y.place, dims, step.geometry, step.epilogue, has_bias, memory.registers)
    kept, picks = kept_of(memory, step.epilogue, dims)
    packed, bias = zeros((weight.size,)), zeros((dims[0],))
    scratch = memory.scratch.grow(sizes.scratch * memory.lanes)
    name = kernels.forward(memory.code, sizes)
    kernel = memory.linker.kernel(name, memory.value(x), packed, bias, memory.value(y), kept, picks, scratch)
    groups = sizes.groups
    arranged = packed.reshape(groups[0], groups[2], *groups[3:], groups[1])

    def pack(_: Batch) -> None:
        weight = memory.tensors.read(step.weight)
        arranged[...] = weight.reshape(groups).transpose(0, 2, 3, 4, 1)
        if step.bias is not None:
            bias[:] = memory.tensors.read(step.bias).reshape(-1)

    back = _Back(memory, step, placed, sizes, kept, picks)
    return Bound([pack, run(kernel)], back.bind)


class _Back:
    """The way back through a convolution."""

    def __init__(
        self, memory: Memory, step: Convolution, placed: Placed, sizes: kernels.Sizes, kept: Floats, picks: np.ndarray
    ) -> None:
        self._memory, self._step, self._sizes = memory, step, sizes
        (self._x,), self._y = placed.reads, placed.writes
        self._kept = kept, picks
        self._groups = sizes.groups

    def bind(self) -> list[Action]:
        memory, sizes = self._memory, self._sizes
        if not memory.has_gradient(self._y):
            return []
        self._sums = memory.sums.grow(int(np.prod(self._groups)) * memory.lanes)
        self._bias = zeros((sizes.dims[0], memory.lanes))
        self._turned = zeros((int(np.prod(self._groups)),))
        form = sizes.spread
        spread = zeros((sizes.dims[0] * form.channel * memory.lanes,))
        reads = memory.has_gradient(self._x)
        adds, before = memory.written_first(self._x) if reads else (False, [])
        name = kernels.backward(memory.code, sizes, self._x.place, reads_gradient=reads, adds=adds)
        into = memory.gradient(self._x) if reads else memory.nothing
        kernel = memory.linker.kernel(
            name, memory.value(self._x), memory.gradient(self._y), memory.value(self._y), *self._kept, self._turned,
            into, self._sums, self._bias, spread,
        )  # fmt: skip
        return [*before, self._prepare, run(kernel), self._learn]

    def _prepare(self, _: Batch) -> None:
        group, outputs, inputs, height, width = self._groups
        weight = self._memory.tensors.read(self._step.weight).reshape(self._groups)
        turned = self._turned.reshape(group, outputs, height, width, inputs)
        turned[...] = weight[:, :, :, ::-1, ::-1].transpose(0, 1, 3, 4, 2)
        self._sums.array(self._turned.size * self._memory.lanes).fill(0)
        self._bias.fill(0)

    def _learn(self, _: Batch) -> None:
        tensors, step = self._memory.tensors, self._step
        if tensors.learns(step.weight):
            found = sum_lanes(self._sums.array(self._turned.size, self._memory.lanes))
            group, outputs, *others = self._groups
            tensors.learn(step.weight, found.reshape(group * outputs, *others))
        if step.bias is not None and tensors.learns(step.bias):
            tensors.learn(step.bias, sum_lanes(self._bias))


def normalization(memory: Memory, placed: Placed) -> Bound:
    """A batch normalization with its epilogue."""
    step, (x,), y = placed.step, placed.reads, placed.writes
    assert isinstance(step, Normalization)
    found = _Normalized(memory, step, placed)
    sizes = normal.Sizes(x.place, y.place, step.epilogue)
    name = normal.forward(memory.code, sizes)
    kernel = memory.linker.kernel(name, memory.value(x), found.factors, found.shifts, memory.value(y), *found.kept)
    return Bound([*found.measure(), found.prepare, run(kernel)], lambda: found.bind(sizes))


class _Normalized:
    """Moments, and what follows from them for each channel."""

    def __init__(self, memory: Memory, step: Normalization, placed: Placed) -> None:
        self._memory, self._step = memory, step
        (self._x,), self._y = placed.reads, placed.writes
        channels = self._x.place.dims[0]
        self._channels = channels
        self.factors, self.shifts = zeros((channels,)), zeros((channels,))
        self._means, self._inverses = zeros((channels,)), zeros((channels,))
        self._variances = np.zeros(channels)
        self._sums = zeros((channels,), np.float64)
        self._mask = zeros((memory.blocks * memory.lanes,))
        self.kept = kept_of(memory, step.epilogue, self._x.place.dims)

    def measure(self) -> list[Action]:
        """The batch's own moments, where they count."""
        if not self._step.is_training:
            return []
        memory, x = self._memory, self._x
        kernels = [
            memory.linker.kernel(
                normal.moment(memory.code, x.place, is_centered=is_centered),
                memory.value(x), self._means, self._mask, self._sums,
            )
            for is_centered in (False, True)
        ]  # fmt: skip

        def action(batch: Batch) -> None:
            count = batch.count * (x.place.count // self._channels)
            self._mask[: len(batch.mask)] = batch.mask
            kernels[0](batch.blocks)
            self._means[:] = self._sums / count
            kernels[1](batch.blocks)
            self._variances[:] = self._sums / count
            self._update(count)

        return [action]

    def _update(self, count: int) -> None:
        """The statistics that evaluation reads: momentum * old + (1 - momentum) * batch."""
        step, tensors = self._step, self._memory.tensors
        if not step.mean:
            return
        variances = self._variances * (np.float64(count) / (count - 1) if step.is_unbiased else 1)
        for name, batch in ((step.mean, self._means), (step.var, variances)):
            tensors[name][...] = step.momentum * tensors[name] + (1 - step.momentum) * batch.astype(np.float32)

    def prepare(self, _: Batch) -> None:
        """Factor and shift of each channel."""
        step, tensors = self._step, self._memory.tensors
        if not step.is_training:
            self._means[:], self._variances[:] = tensors[step.mean], tensors[step.var]
        self._inverses[:] = 1 / np.sqrt(self._variances + step.epsilon)
        self.factors[:] = tensors.read(step.scale).reshape(-1) * self._inverses
        self.shifts[:] = tensors.read(step.shift).reshape(-1) - self._means * self.factors

    def bind(self, sizes: normal.Sizes) -> list[Action]:
        """The way back. Where the moments are the batch's own, the gradient goes through them."""
        memory, linker = self._memory, self._memory.linker
        if not memory.has_gradient(self._y):
            return []
        x, y, given = memory.value(self._x), memory.value(self._y), memory.gradient(self._y)
        found = zeros((2 * self._channels,), np.float64)
        constants, slopes = zeros((self._channels,)), zeros((self._channels,))
        name = normal.sums(memory.code, sizes)
        sums = linker.kernel(name, x, self._means, self._inverses, given, y, *self.kept, found)

        def learn(batch: Batch) -> None:
            self._learn(found.reshape(-1, 2), constants, slopes, batch)

        actions: list[Action] = [run(sums), learn]
        if memory.has_gradient(self._x):
            adds, before = memory.written_first(self._x)
            name = normal.backward(memory.code, sizes, adds=adds)
            arrays = (x, self._means, self.factors, constants, slopes, given, y, *self.kept, self._mask)
            actions += [*before, run(linker.kernel(name, *arrays, memory.gradient(self._x)))]
        return actions

    def _learn(self, found: np.ndarray, constants: Floats, slopes: Floats, batch: Batch) -> None:
        step, tensors = self._step, self._memory.tensors
        totals, products = found.T
        for numbers, gradient in ((step.scale, products), (step.shift, totals)):
            if tensors.learns(numbers):
                tensors.learn(numbers, gradient.astype(np.float32).reshape(tensors.read(numbers).shape))
        if step.is_training:
            count = batch.count * (self._x.place.count // self._channels)
            constants[:] = self.factors * totals / count
            slopes[:] = self.factors * self._inverses * products / count
        else:
            self._mask[: len(batch.mask)] = batch.mask
