"""Operators that move numbers, products of matrices, and random numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.placed import (
    Call,
    Lowered,
    Placed,
    extent,
    extents,
    ordered,
    plain,
    sizes,
    transposed,
)
from harness.language.sizes import Size


def _reshape(call: Call) -> Placed:
    shape = call.result.shape
    is_plain = sum(isinstance(size, Size) for size in shape) < 2 and 0 not in shape
    return call.gives(tf.reshape(plain(call.first), sizes(shape) if is_plain else extents(shape, call.count)))


def _transpose(call: Call) -> Placed:
    return transposed(call.first, call["perm"])


def _expand(call: Call) -> Placed:
    missing = len(call.result.shape) - len(call.first.shape)
    order = (*range(missing), *(axis + missing for axis in call.first.order))
    shape = extents([call.result.shape[axis] for axis in order], call.count)
    return call.gives(tf.broadcast_to(call.first.tensor, shape), order)


def _concat(call: Call) -> Placed:
    order = call.first.order
    return call.gives(tf.concat([ordered(value, order) for value in call.inputs], order.index(call["axis"])), order)


def _slice(call: Call) -> Placed:
    order, step = call.first.order, call["step"]
    window: list[slice] = [slice(None)] * len(order)
    start, end = (extent(call[name], call.count) for name in ("start", "end"))
    window[order.index(call["axis"])] = slice(start, end, step) if step > 0 else slice(None, None, step)
    return call.gives(call.first.tensor[tuple(window)], order)


def _gather(call: Call) -> Placed:
    source, indices, axis = call.first, plain(call.inputs[1]), call["axis"]
    added = len(call.inputs[1].shape)
    order: list[int] = []
    for old in source.order:
        order += range(axis, axis + added) if old == axis else [old + (added - 1 if old > axis else 0)]
    position = source.order.index(axis)
    size = tf.shape(source.tensor, tf.int64)[position]
    return call.gives(tf.gather(source.tensor, tf.where(indices < 0, indices + size, indices), axis=position), order)


def _pad(call: Call) -> Placed:
    order, mode = call.first.order, call["mode"]
    pads = [call["pads"][axis] for axis in order]
    if mode == "edge":
        return call.gives(_edges(call.first.tensor, pads, [call.first.shape[axis] for axis in order]), order)
    tensor = tf.pad(call.first.tensor, pads, mode.upper(), call["value"] if mode == "constant" else 0)
    return call.gives(tensor, order)


def _edges(tensor: Any, pads: Sequence[tuple[int, int]], shape: Sequence[Any]) -> Any:
    for axis, ((before, after), size) in enumerate(zip(pads, shape, strict=True)):
        if before or after:
            tensor = tf.gather(tensor, np.clip(np.arange(-before, size + after), 0, size - 1), axis=axis)
    return tensor


def _tile(call: Call) -> Placed:
    order = call.first.order
    return call.gives(tf.tile(call.first.tensor, [call["repeats"][axis] for axis in order]), order)


def _range(call: Call) -> Placed:
    bounds = (tf.constant(call[name], tf.int64) for name in ("start", "limit", "delta"))
    return call.gives(tf.range(*bounds))


def _gemm(call: Call) -> Placed:
    a, b = call.inputs[:2]
    is_transposed = (b.order == (1, 0)) != call["transB"]
    product = tf.matmul(a.tensor, b.tensor, transpose_a=a.order == (1, 0), transpose_b=is_transposed)
    return call.gives(tf.nn.bias_add(product, call.inputs[2].tensor) if len(call.inputs) > 2 else product)


def _matmul(call: Call) -> Placed:
    a, b = call.inputs
    if len(a.shape) > 2 == len(b.shape):
        rows = tf.reshape(plain(a), [-1, a.shape[-1]])
        product = tf.matmul(rows, b.tensor, transpose_b=b.order == (1, 0))
        return call.gives(tf.reshape(product, extents(call.result.shape, call.count)))
    (first, swaps_first), (second, swaps_second) = map(_matrices, (a, b))
    return call.gives(tf.matmul(first, second, transpose_a=swaps_first, transpose_b=swaps_second))


def _matrices(value: Placed) -> tuple[Any, bool]:
    """Matrices, and whether their rows are their last axis."""
    rank = len(value.order)
    swapped = (*range(rank - 2), rank - 1, rank - 2)
    return (value.tensor, True) if value.order == swapped else (plain(value), False)


def _dropout(call: Call) -> Placed:
    order = call.first.order
    is_kept = call.draws(call.node, extents([call.result.shape[axis] for axis in order], call.count), order)
    x = call.first.tensor
    kept = tf.where(tf.cast(is_kept, tf.bool), x * (1 / (1 - call["ratio"])), tf.zeros((), x.dtype))
    return call.gives(kept, order)


def _random(call: Call) -> Placed:
    order = tuple(range(len(call.result.shape)))
    return call.gives(tf.cast(call.draws(call.node, extents(call.result.shape, call.count), order), call.dtype))


MOVES: Mapping[str, Lowered] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Expand": _expand,
    "Concat": _concat,
    "Slice": _slice,
    "Gather": _gather,
    "Pad": _pad,
    "Tile": _tile,
    "Range": _range,
    "Dropout": _dropout,
    "RandomUniform": _random,
    "RandomNormal": _random,
    "Bernoulli": _random,
}
"""Each of these operators by its name."""
