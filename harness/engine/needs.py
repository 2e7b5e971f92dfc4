"""How much memory a plan takes when it is bound, and how much code. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.engine.layout import Placed, Plan
from harness.engine.steps import (
    MOST_WRITTEN,
    NOTHING,
    Convolution,
    Dense,
    Dropping,
    Normalization,
    Numbers,
    Pooling,
    Scaling,
)

_LANES = 16
"""Of the longest vector."""


@dataclass(frozen=True)
class _Need:
    """Floats that a step has for itself, and those of the two pieces of memory that all steps share."""

    own: int
    sums: int = 0
    scratch: int = 0


def bytes_of(plan: Plan, tensors: Mapping[str, int], images: int, *, trains: bool) -> int:
    """Memory for values, gradients and what steps keep, of so many images at once. `tensors` has how many numbers each
    tensor holds."""
    room = -(-images // _LANES) * _LANES
    values = sum(root.size * (2 if trains and root.has_gradient else 1) for root in plan.roots)
    needs = [_of_step(placed, tensors, room, trains=trains) for placed in plan.steps]
    shared = max((need.sums for need in needs), default=0) + max((need.scratch for need in needs), default=0)
    return 4 * (values * room + sum(need.own for need in needs) + shared)


def _of_step(placed: Placed, tensors: Mapping[str, int], room: int, *, trains: bool) -> _Need:
    step, x, y = placed.step, placed.reads[0].place, placed.writes.place
    if isinstance(step, Convolution):
        return _of_convolution(placed, step, _count(step.weight, tensors), room, trains=trains)
    if isinstance(step, Dense):
        return _Need(3 * _count(step.weight, tensors))
    if isinstance(step, Scaling):
        return _Need((_LANES + 2) * _count(step.numbers, tensors))
    if isinstance(step, Dropping):
        return _Need(2 * x.count * room)
    if isinstance(step, Pooling):
        return _Need(y.count * room // 4)
    return _Need(_kept(placed, x.count, room))


def _of_convolution(placed: Placed, step: Convolution, weights: int, room: int, *, trains: bool) -> _Need:
    x, geometry = placed.reads[0].place, step.geometry
    channels, height, width = geometry.results(placed.writes.place.dims[0], x.dims)
    kept = _kept(placed, channels * height * width, room)
    scratch = _LANES * channels * step.epilogue.lines * width
    if not trains:
        return _Need(kept + weights, 0, scratch)
    lines, results = ((n - 1) * stride + 1 for n, stride in zip((height, width), geometry.strides, strict=True))
    across = max(x.dims[2] + geometry.pads[1], results) + (geometry.kernel[1] - 1) * geometry.dilations[1]
    return _Need(kept + 4 * weights + _LANES * channels * lines * across, _LANES * weights, scratch)


def _kept(placed: Placed, results: int, room: int) -> int:
    """What an epilogue keeps of so many results; bytes are a quarter of a float."""
    epilogue = getattr(placed.step, "epilogue", None)
    if epilogue is None:
        return 0
    return (results * room if epilogue.keeps else 0) + (placed.writes.place.count * room // 4 if epilogue.picks else 0)


def _count(numbers: Numbers, tensors: Mapping[str, int]) -> int:
    return math.prod(numbers.constant.shape) if numbers.constant is not None else tensors[numbers.tensor]


def code_of(steps: Iterable[Placed]) -> int:
    """How much code steps are, in parts that take about as long to compile: those of equal sizes share theirs."""
    return sum({_form(placed): _parts(placed) for placed in steps}.values())


_FORM = ("geometry", "epilogue", "activation", "operator", "shape", "ratio", "factor", "is_max", "is_log", "bias")


def _form(placed: Placed) -> tuple[object, ...]:
    """What code depends on."""
    step, places = placed.step, tuple(spot.place for spot in (*placed.reads, placed.writes))
    settings = [getattr(step, name, None) for name in _FORM]
    return type(step), places, *(value is None if isinstance(value, Numbers) else value for value in settings)


def _parts(placed: Placed) -> int:
    step, epilogue = placed.step, getattr(placed.step, "epilogue", NOTHING)
    area = epilogue.pool.area if epilogue.pool else 1
    found = 2 if isinstance(step, (Convolution, Normalization)) else 1
    if epilogue.activation:
        found += area if area <= MOST_WRITTEN else 1
    return found + (1 if epilogue.after else 0) + (area // 10 if epilogue.picks else 0)
