"""Graphs of at most 2 MiB, each made to cause as much work as it can in the audit and after it."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

from harness.records.artifact import Artifact
from harness.records.framework import Framework

Argument = dict[str, Any]
IMAGES = {"input": 0}
BATCH = {"batch": [1, 0]}


class Drafted:
    """A graph in the making, of one framework."""

    def __init__(self, framework: Framework) -> None:
        self.framework = framework
        self.nodes: list[dict[str, Any]] = []

    def call(self, operator: str, *args: Any, **settings: Any) -> Argument:
        """Add a call, and refer to its result."""
        if self.framework is Framework.TORCH:
            self.nodes.append({"op": f"aten.{operator}", "args": list(args), "kwargs": settings})
        else:
            self.nodes.append({"op": operator, "args": list(args), "attrs": settings})
        return self.part(0)

    def part(self, position: int) -> Argument:
        """A result of the last call."""
        return {"node": [len(self.nodes) - 1, position]}

    def finished(self, output: Argument, shapes: Sequence[Sequence[int]] = ()) -> Artifact:
        """The artifact, in which evaluation and training are this graph."""
        names = [f"t{index}" for index in range(len(shapes))]
        specs = {
            name: {"kind": "parameter", "trainable": True, "shape": list(shape), "dtype": "F32"}
            for name, shape in zip(names, shapes, strict=True)
        }
        form = [1, 28, 28] if self.framework is Framework.TORCH else [28, 28, 1]
        mode = {"nodes": self.nodes, "output": output}
        graph = {"format": 1, "framework": self.framework, "input": form, "tensors": specs, "train": mode, "eval": mode}
        return Artifact(self.framework, _text(graph), b"{}", (_weights(names, shapes),), "")


def _text(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _weights(names: Sequence[str], shapes: Sequence[Sequence[int]]) -> bytes:
    header, end = {}, 0
    for name, shape in zip(names, shapes, strict=True):
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = _text(header)
    return struct.pack("<Q", len(text)) + text + bytes(end)


def tensor(index: int) -> Argument:
    return {"tensor": f"t{index}"}


def const(dtype: str, shape: list[int], *items: float) -> Argument:
    return {"const": {"dtype": dtype, "shape": shape, "items": list(items)}}


def ints(*items: int) -> Argument:
    return const("int32", [len(items)], *items)


HOSTILE: dict[str, Callable[[], Artifact]] = {}


def hostile(build: Callable[[Drafted], Artifact]) -> Callable[[Drafted], Artifact]:
    """Registers a graph under its function's name, which begins with that of its framework."""
    framework = Framework(build.__name__.split("_")[0])
    HOSTILE[build.__name__] = lambda: build(Drafted(framework))
    return build


@hostile
def torch_thousands_of_tensors_that_nothing_needs(draft: Drafted) -> Artifact:
    x = IMAGES
    for _ in range(4990):
        x = draft.call("add.Tensor", x, IMAGES)
    return draft.finished(x, [(4,)] * 5000)


@hostile
def torch_thousands_of_tensors_in_every_layer(draft: Drafted) -> Artifact:
    weight, x = tensor(0), IMAGES
    for index in range(2000):
        weight = draft.call("add.Tensor", weight, tensor(index))
    for _ in range(2900):
        x = draft.call("mul.Tensor", x, weight)
    return draft.finished(x, [(28,)] * 5000)


@hostile
def torch_writes_at_the_end_of_a_long_chain_of_views(draft: Drafted) -> Artifact:
    base = x = draft.call("clone.default", IMAGES)
    for index in range(2500):
        x = draft.call("transpose.int", x, 2, 3) if index % 2 else draft.call("view.default", x, [BATCH, 1, 28, 28])
    for index in range(2400):
        x = draft.call("mul_.Tensor", x, 1 + index / 7)
    return draft.finished(base)


@hostile
def torch_writes_through_thousands_of_views(draft: Drafted) -> Artifact:
    base = draft.call("clone.default", IMAGES)
    views = [draft.call("select.int", base, 2, index % 28) for index in range(2400)]
    for view in views:
        draft.call("mul_.Tensor", view, 1.5)
    return draft.finished(base)


@hostile
def torch_slices_of_what_is_joined_again_and_again(draft: Drafted) -> Artifact:
    joined = IMAGES
    for _ in range(2400):
        joined = draft.call("cat.default", [joined, IMAGES], 1)
        part = draft.call("slice.Tensor", joined, 1, 0, 1)
    return draft.finished(draft.call("add.Tensor", part, draft.call("sum.dim_IntList", joined, [1], True)))


@hostile
def torch_joins_of_thousands(draft: Drafted) -> Artifact:
    x = IMAGES
    for _ in range(4):
        x = draft.call("slice.Tensor", draft.call("cat.default", [x] * 4000, 1), 1, 0, 1)
    return draft.finished(x)


@hostile
def torch_one_number_of_sixteen_million(draft: Drafted) -> Artifact:
    x = IMAGES
    for index in range(1600):
        long = draft.call("full.default", [(1 << 24) - index], 1.5)
        x = draft.call("add.Tensor", x, draft.call("slice.Tensor", long, 0, 0, 1))
    return draft.finished(x)


@hostile
def torch_thousands_of_numbers(draft: Drafted) -> Artifact:
    x = IMAGES
    for index in range(4990):
        x = draft.call("mul.Tensor", x, 1 + index / 997)
    return draft.finished(x)


@hostile
def torch_axes_reversed_thousands_of_times(draft: Drafted) -> Artifact:
    for _ in range(70):
        x = draft.call("flip.default", IMAGES, [2, 3] * 1000)
    return draft.finished(x)


@hostile
def tensorflow_gathers_by_thousands_of_indices(draft: Drafted) -> Artifact:
    rows, indices = draft.call("Reshape", IMAGES, ints(-1, 784)), draft.call("Fill", ints(8192), const("int32", [], 3))
    for _ in range(4990):
        x = draft.call("GatherV2", rows, indices, const("int32", [], 1))
    return draft.finished(x)


@hostile
def tensorflow_axes_reversed_thousands_of_times(draft: Drafted) -> Artifact:
    axes = draft.call("Fill", ints(500), const("int32", [], 1))
    for _ in range(2000):
        x = draft.call("ReverseV2", IMAGES, axes)
    return draft.finished(x)


@hostile
def tensorflow_sums_below_thousands_of_normalizations(draft: Drafted) -> Artifact:
    """Each may be a normalization, above the same sums of thousands of results."""
    root = last = draft.call("Relu", IMAGES)
    for _ in range(20):
        last = draft.call("AddN", [last] * 250)
    scaled = draft.call("Mul", root, draft.call("Rsqrt", last))
    ends = [draft.call("AddV2", scaled, last) for _ in range(2400)]
    while len(ends) > 1:
        ends = [draft.call("AddN", ends[at : at + 250]) for at in range(0, len(ends), 250)]
    return draft.finished(ends[0])


@hostile
def tensorflow_products_that_may_be_activations(draft: Drafted) -> Artifact:
    x = IMAGES
    for index in range(2490):
        half = draft.call("Mul", const("float32", [], 0.5), x)
        x = draft.call("Mul", half if index % 2 else x, half)
    return draft.finished(x)


@hostile
def tensorflow_layers_as_many_as_there_may_be(draft: Drafted) -> Artifact:
    filters, bias = (draft.call("ReadVariableOp", tensor(k), dtype={"type": "float32"}) for k in (0, 1))
    x = IMAGES
    for _ in range(1600):
        convolved = draft.call("Conv2D", x, filters, strides=[1] * 4, padding="SAME")
        x = draft.call("Relu", draft.call("BiasAdd", convolved, bias))
    return draft.finished(x, [(3, 3, 1, 1), (1,)])


@hostile
def tensorflow_axes_taken_apart_and_put_together(draft: Drafted) -> Artifact:
    x = draft.call("Reshape", IMAGES, ints(-1, 196, 4))
    for _ in range(95):
        draft.call("Unpack", x, num=196, axis=1)
        packed = draft.call("Pack", [draft.part(position) for position in range(196)], axis=1)
        x = draft.call("Reshape", packed, ints(-1, 196, 4))
    return draft.finished(x)
