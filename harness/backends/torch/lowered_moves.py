"""The language's operators that move numbers, and those that sample images, in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from harness.backends.torch.lowered_run import Function, Lower, Run, plain
from harness.language.graph import Graph, Kind, Node
from harness.language.sizes import Size, at


def _reshape(node: Node, _: Graph) -> Function:
    shape = node.attributes["shape"]
    return lambda run, x: x.reshape(at(shape, run.count))


def _transpose(node: Node, _: Graph) -> Function:
    perm = node.attributes["perm"]
    return lambda _, x: x.permute(perm)


def _expand(node: Node, _: Graph) -> Function:
    shape = node.attributes["shape"]
    return lambda run, x: x.expand(torch.broadcast_shapes(x.shape, at(shape, run.count)))


def _concat(node: Node, _: Graph) -> Function:
    axis = node.attributes["axis"]
    return lambda _, *parts: torch.cat(parts, axis)


def _slice(node: Node, _: Graph) -> Function:
    axis, start, end, step = (node.attributes[name] for name in ("axis", "start", "end", "step"))
    before = (slice(None),) * axis
    if step < 0:
        return lambda _, x: x.flip(axis)[(*before, slice(None, None, -step))]

    def function(run: Run, x: torch.Tensor) -> torch.Tensor:
        first, last = at((start, end), run.count)
        return x[(*before, slice(first, last, step))]

    return function


def _gather(node: Node, _: Graph) -> Function:
    axis = node.attributes["axis"]

    def function(_: Run, x: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        flat = indices.reshape(-1)
        picked = x.index_select(axis, torch.where(flat < 0, flat + x.shape[axis], flat))
        return picked.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])

    return function


def _pad(node: Node, _: Graph) -> Function:
    """PyTorch's own, or numbers picked along each axis where it takes too few of them."""
    pads, mode, value = (node.attributes[name] for name in ("pads", "mode", "value"))
    flat = [side for pair in reversed(pads) for side in pair]
    if mode == "constant":
        return lambda _, x: functional.pad(x, flat, value=value)
    if 3 <= len(pads) <= 5 and not any(flat[-4:]):
        own = {"reflect": "reflect", "edge": "replicate"}[mode]
        return lambda _, x: functional.pad(x, flat[:-4], own)

    def function(_: Run, x: torch.Tensor) -> torch.Tensor:
        for axis, pair in enumerate(pads):
            if any(pair):
                x = x.index_select(axis, torch.from_numpy(np.pad(np.arange(x.shape[axis]), pair, mode)))
        return x

    return function


def _tile(node: Node, _: Graph) -> Function:
    repeats = node.attributes["repeats"]
    return lambda _, x: x.repeat(repeats)


def _range(node: Node, _: Graph) -> Function:
    numbers = torch.arange(*(node.attributes[name] for name in ("start", "limit", "delta")))
    return lambda _: numbers


def _cast(node: Node, _: Graph) -> Function:
    types = {Kind.INT: torch.int64, Kind.BOOL: torch.bool}
    to = types.get(Kind(node.attributes["to"]))
    return lambda run, x: x.to(to or run.dtype)


def _grid_sample(node: Node, _: Graph) -> Function:
    settings: dict[str, Any] = dict(node.attributes)
    return lambda _, x, grid: functional.grid_sample(x, grid, **settings)


def _affine_grid(node: Node, _: Graph) -> Function:
    size, align_corners = node.attributes["size"], node.attributes["align_corners"]
    return lambda run, theta: torch.affine_grid_generator(theta, at(size, run.count), align_corners)


def _resize(node: Node, graph: Graph) -> Function:
    """Linear is PyTorch's own where it has it; other positions are picked by number, which does not round them."""
    sizes, mode, coordinates = (node.attributes[name] for name in ("sizes", "mode", "coordinates"))
    if mode == "linear" and coordinates != "asymmetric":
        is_aligned = coordinates == "align_corners"
        return lambda _, x: functional.interpolate(x, sizes, mode="bilinear", align_corners=is_aligned)
    lengths = [length for length in graph.values[node.inputs[0]].shape[2:] if not isinstance(length, Size)]
    along = [_sources(*of_axis, coordinates) for of_axis in zip(lengths, sizes, strict=True)]
    if mode == "nearest":
        picked = [_nearest(source, n, coordinates) for source, n in zip(along, lengths, strict=True)]
        return lambda _, x: x.index_select(2, picked[0]).index_select(3, picked[1])
    return lambda run, x: _linear(_linear(x, 2, along[0], run), 3, along[1], run)


def _sources(length: int, size: int, coordinates: str) -> npt.NDArray[np.float64]:
    """The position in the image of each number along an axis of the result."""
    positions = np.arange(size, dtype=np.float64)
    if coordinates == "half_pixel":
        return (positions + 0.5) * length / size - 0.5
    if coordinates == "align_corners":
        return positions * (length - 1) / max(size - 1, 1)
    return positions * length / size


def _nearest(source: npt.NDArray[np.float64], length: int, coordinates: str) -> torch.Tensor:
    rounded = np.floor(source if coordinates == "asymmetric" else source + 0.5)
    return torch.from_numpy(rounded.clip(0, length - 1).astype(np.int64))


def _linear(x: torch.Tensor, axis: int, source: npt.NDArray[np.float64], run: Run) -> torch.Tensor:
    last = x.shape[axis] - 1
    source = source.clip(0, last)
    below = np.floor(source).astype(np.int64)
    share = torch.from_numpy(source - below).to(run.dtype).reshape([-1 if k == axis else 1 for k in range(x.ndim)])
    low, high = (x.index_select(axis, torch.from_numpy(index)) for index in (below, (below + 1).clip(max=last)))
    return low * (1 - share) + high * share


def _detached(x: torch.Tensor) -> torch.Tensor:
    return x.detach()


LOWERED: Mapping[str, Lower] = {
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Expand": _expand,
    "Concat": _concat,
    "Slice": _slice,
    "Gather": _gather,
    "Pad": _pad,
    "Tile": _tile,
    "Range": _range,
    "Cast": _cast,
    "StopGradient": plain(_detached),
    "GridSample": _grid_sample,
    "AffineGrid": _affine_grid,
    "Resize": _resize,
}
