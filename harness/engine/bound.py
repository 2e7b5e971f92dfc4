"""Each kind of step bound to its memory: the kernels that it calls, and what NumPy does around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from harness.engine.kernels import batches, pointwise
from harness.engine.kernels import pooling as windows
from harness.engine.layout import Placed, Spot
from harness.engine.linked import Kernel
from harness.engine.memory import Batch, Memory
from harness.engine.steps import (
    NOTHING,
    Copying,
    Dense,
    Dropping,
    Epilogue,
    Floats,
    Numbers,
    Pointwise,
    Pooling,
    Scaling,
    Softening,
    Triple,
    View,
)
from harness.engine.tensors import Tensors, zeros

Action = Callable[[Batch], None]


@dataclass
class Bound:
    """What a step does on the way there, and what `bind` adds for the way back."""

    forward: list[Action]
    bind: Callable[[], list[Action]] = field(default=list)


def run(kernel: Kernel) -> Action:
    """A kernel as an action."""
    return lambda batch: kernel(batch.blocks)


def kept_of(memory: Memory, epilogue: Epilogue, dims: Triple) -> tuple[Floats, np.ndarray]:
    """Memory for what an epilogue keeps of results of these dims."""
    room, result = memory.blocks * memory.lanes, epilogue.result(dims)
    numbers = zeros((int(np.prod(dims)) * room,)) if epilogue.keeps else memory.nothing
    picks = zeros((int(np.prod(result)) * room,), np.int8) if epilogue.picks else zeros((memory.lanes,), np.int8)
    return numbers, picks


def sum_lanes(sums: Floats) -> Floats:
    """(n, lanes) -> (n): by a matrix product, several times as fast as a sum."""
    found: Floats = np.dot(sums, np.ones(sums.shape[1], np.float32))
    return found


def gather(memory: Memory, spot: Spot, divisor: int) -> Action:
    """Pixels as floats into lanes."""
    table = zeros((256,))
    table[:] = np.arange(256, dtype=np.float32) / np.float32(divisor)
    name = batches.gather(memory.code, spot.place)
    call = memory.linker.open_kernel(name, 5)
    written = memory.value(spot)

    def action(batch: Batch) -> None:
        _check_images(batch, spot.place.count)
        places = (batch.images.ctypes.data, batch.order.ctypes.data, table.ctypes.data, written.ctypes.data)
        call(*places, batch.blocks)

    return action


def _check_images(batch: Batch, pixels: int) -> None:
    """The kernel relies on it. Raises ValueError for images of another size, or some that are not there."""
    images, order = batch.images, batch.order
    is_plain = images.dtype == np.uint8 and images.flags.c_contiguous and images.size == len(images) * pixels
    if not is_plain or order.min() < 0 or order.max() >= len(images):
        raise ValueError(f"images of another size than {pixels} pixels, or fewer than chosen")


def pointwise_step(memory: Memory, placed: Placed) -> Bound:
    """Activations, poolings, sums of two values."""
    step = placed.step
    assert isinstance(step, Pointwise)
    return _pointwise(memory, placed, step.factor, step.epilogue)


def copying(memory: Memory, placed: Placed) -> Bound:
    """The same numbers elsewhere."""
    assert isinstance(placed.step, Copying)
    found = _pointwise(memory, placed, 1.0, NOTHING)
    return Bound(found.forward) if placed.step.stops else found


def _pointwise(memory: Memory, placed: Placed, factor: float, epilogue: Epilogue) -> Bound:
    x, *others = placed.reads
    other = others[0] if others else None
    sizes = pointwise.Sizes(x.place, other.place if other else None, factor, placed.writes.place, epilogue)
    kept, picks = kept_of(memory, epilogue, x.place.dims)
    y = memory.value(placed.writes)
    second = memory.value(other) if other else memory.nothing
    forward = memory.linker.kernel(pointwise.forward(memory.code, sizes), memory.value(x), second, y, kept, picks)

    def bind() -> list[Action]:
        actions: list[Action] = []
        for spot, share in zip(placed.reads, (1.0, factor), strict=False):
            if memory.has_gradient(placed.writes) and memory.has_gradient(spot):
                adds, before = memory.written_first(spot, fully=epilogue.reaches_all(x.place.dims))
                name = pointwise.backward(memory.code, sizes, spot.place, share, adds=adds)
                given, into = memory.gradient(placed.writes), memory.gradient(spot)
                actions += [*before, run(memory.linker.kernel(name, given, y, kept, picks, into))]
        return actions

    return Bound([run(forward)], bind)


def pooling(memory: Memory, placed: Placed) -> Bound:
    """Windows that overlap or have pads."""
    step, (x,), y = placed.step, placed.reads, placed.writes
    assert isinstance(step, Pooling)
    sizes = windows.Sizes(x.place, y.place, step.geometry, step.is_max, step.counts_pads)
    picks = zeros((y.place.count * memory.blocks * memory.lanes,), np.int8)
    forward = memory.linker.kernel(windows.forward(memory.code, sizes), memory.value(x), memory.value(y), picks)

    def bind() -> list[Action]:
        if not (memory.has_gradient(y) and memory.has_gradient(x)):
            return []
        _, before = memory.written_first(x, fully=False)
        name = windows.backward(memory.code, sizes)
        return [*before, run(memory.linker.kernel(name, memory.gradient(y), picks, memory.gradient(x)))]

    return Bound([run(forward)], bind)


def dense(memory: Memory, placed: Placed) -> Bound:
    """A matrix product by the BLAS that NumPy brings, then bias and activation."""
    step, (x,), y = placed.step, placed.reads, placed.writes
    assert isinstance(step, Dense)
    tensors, outputs = memory.tensors, y.place.count
    bias = zeros((outputs,))
    finish = memory.linker.kernel(
        batches.finish_dense(memory.code, step.activation, has_bias=step.bias is not None),
        memory.value(y),
        bias,
        outputs,
    )

    def product(batch: Batch) -> None:
        weight = tensors.read(step.weight)
        np.dot(weight.T, memory.matrix(x, batch.blocks), out=memory.matrix(y, batch.blocks))

    def finished(batch: Batch) -> None:
        if step.bias is not None:
            bias[:] = tensors.read(step.bias).reshape(-1)
        finish(batch.blocks)

    has_more = step.bias is not None or step.activation is not None
    return Bound([product, finished] if has_more else [product], lambda: _dense_back(memory, step, x, y))


def _dense_back(memory: Memory, step: Dense, x: Spot, y: Spot) -> list[Action]:
    if not memory.has_gradient(y):
        return []
    tensors, outputs, actions = memory.tensors, y.place.count, list[Action]()
    if step.activation or tensors.learns(step.bias):
        sums = zeros((outputs, memory.lanes))
        name = batches.dense_backward(memory.code, step.activation)
        actions.append(run(memory.linker.kernel(name, memory.gradient(y), memory.value(y), sums, outputs)))
        if step.bias is not None and tensors.learns(step.bias):
            actions.append(_learning(tensors, step.bias, sums))
    if tensors.learns(step.weight):
        actions.append(_dense_weights(memory, step.weight, x, y))
    if memory.has_gradient(x):
        actions += _dense_inputs(memory, step.weight, x, y)
    return actions


def _learning(tensors: Tensors, numbers: Numbers, sums: Floats) -> Action:
    return lambda _: tensors.learn(numbers, sum_lanes(sums))


def _dense_weights(memory: Memory, weight: Numbers, x: Spot, y: Spot) -> Action:
    """The gradient of the weights, written where it belongs if a matrix product can do that."""
    target = memory.tensors.target(weight)

    def action(batch: Batch) -> None:
        read, given = memory.matrix(x, batch.blocks), memory.matrix(y, batch.blocks, of_gradient=True)
        if target is not None and target.flags.c_contiguous:
            np.dot(read, given.T, out=target)
        elif target is not None and target.T.flags.c_contiguous:
            np.dot(given, read.T, out=target.T)
        else:
            memory.tensors.learn(weight, np.dot(read, given.T))

    return action


def _dense_inputs(memory: Memory, numbers: Numbers, x: Spot, y: Spot) -> list[Action]:
    adds, before = memory.written_first(x)

    def action(batch: Batch) -> None:
        weight = memory.tensors.read(numbers)
        given, into = (memory.matrix(spot, batch.blocks, of_gradient=True) for spot in (y, x))
        if adds:
            into += np.dot(weight, given)
        else:
            np.dot(weight, given, out=into)

    return [*before, action]


def scaling(memory: Memory, placed: Placed) -> Bound:
    """A value and numbers, by an operator."""
    step, (x,), y = placed.step, placed.reads, placed.writes
    assert isinstance(step, Scaling)
    form = View.whole(0, step.shape).triple()
    assert form is not None
    strides = tuple(0 if size == 1 else stride for size, stride in zip(*form, strict=True))
    across = (strides[0], strides[1], strides[2])
    numbers = zeros((int(np.prod(step.shape)),))
    read = memory.value(x)
    name = pointwise.scale(memory.code, x.place, y.place, step.operator, across, is_reversed=step.is_reversed)
    forward = memory.linker.kernel(name, read, numbers, memory.value(y))

    def load(_: Batch) -> None:
        numbers[:] = memory.tensors.read(step.numbers).reshape(-1)

    def bind() -> list[Action]:
        if not memory.has_gradient(y):
            return []
        learns = memory.tensors.learns(step.numbers)
        adds, before = memory.written_first(x) if memory.has_gradient(x) else (False, [])
        into = memory.gradient(x) if memory.has_gradient(x) else zeros((memory.value(x).size,))
        sums = zeros((numbers.size, memory.lanes))
        how = {"is_reversed": step.is_reversed, "adds": adds, "learns": learns}
        name = pointwise.scale_backward(memory.code, x.place, y.place, step.operator, across, **how)
        kernel = memory.linker.kernel(name, read, numbers, memory.gradient(y), into, sums)
        after: list[Action] = [_learning(memory.tensors, step.numbers, sums)] if learns else []
        return [*before, lambda _: sums.fill(0), run(kernel), *after]

    return Bound([load, run(forward)], bind)


def dropping(memory: Memory, placed: Placed) -> Bound:
    """Dropout: 32 random bits decide on each number."""
    step, (x,), y = placed.step, placed.reads, placed.writes
    assert isinstance(step, Dropping)
    count, least = x.place.count, round(step.ratio * 2**32)
    random = zeros((count * memory.blocks * memory.lanes,), np.uint32)
    name = pointwise.drop(memory.code, x.place, y.place, step.ratio, adds=False)
    kernel = memory.linker.kernel(name, memory.value(x), random, least, memory.value(y))

    def draw(batch: Batch) -> None:
        width = batch.blocks * memory.lanes
        into = random[: count * width].reshape(count, width)
        if step.node in batch.drawn:
            kept = batch.drawn[step.node].reshape(batch.count, count).T
            into[:, : batch.count] = np.where(kept > 0, np.uint32(2**32 - 1), np.uint32(0))
        else:
            into[:, : batch.count] = memory.random_words(count * batch.count).reshape(count, batch.count)

    def bind() -> list[Action]:
        if not (memory.has_gradient(y) and memory.has_gradient(x)):
            return []
        adds, before = memory.written_first(x)
        name = pointwise.drop(memory.code, y.place, x.place, step.ratio, adds=adds)
        return [*before, run(memory.linker.kernel(name, memory.gradient(y), random, least, memory.gradient(x)))]

    return Bound([draw, run(kernel)], bind)


def softening(memory: Memory, placed: Placed) -> Bound:
    """Softmax and log-softmax."""
    step, (x,), y = placed.step, placed.reads, placed.writes
    assert isinstance(step, Softening)
    name = batches.soften(memory.code, x.place, y.place, is_log=step.is_log)
    forward = memory.linker.kernel(name, memory.value(x), memory.value(y))

    def bind() -> list[Action]:
        if not (memory.has_gradient(y) and memory.has_gradient(x)):
            return []
        adds, before = memory.written_first(x)
        name = batches.soften_backward(memory.code, x.place, y.place, is_log=step.is_log, adds=adds)
        kernel = memory.linker.kernel(name, memory.value(y), memory.gradient(y), memory.gradient(x))
        return [*before, run(kernel)]

    return Bound([run(forward)], bind)
