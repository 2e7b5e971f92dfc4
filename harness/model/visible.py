"""What can be shown of a model classifying a picture: its answer, and each layer's values. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.language.graph import IMAGES, ModelGraph
from harness.model.rows import read_rows
from harness.records.graph import Shape
from harness.records.layer import Layer

SIDE = 28
_NOT_SHOWN = {"flatten", "reshape", "transpose", "pad", "slice", "split", "stack", "expand", "tile"}
"""Layers whose values are those of the preceding layer, rearranged."""


@dataclass(frozen=True)
class Visible:
    """A layer, the operator that gives its value, and the value's shape: (channels, height, width) or (units,)."""

    layer: Layer
    operation: str
    shape: Shape


def visible(graph: ModelGraph) -> tuple[Visible, ...]:
    """The layers of a model, each with the last operator that only changes its numbers one by one.

    That is a bias, an activation or a normalization, with a single input and the shape of the layer's own output.
    """
    rows = read_rows(graph)
    evaluation, layers = graph.evaluation, rows.layers
    owner: dict[str, int] = {}
    last: dict[int, Visible] = {}
    for node in evaluation.nodes:
        data = [name for name in node.inputs if name in owner or name == IMAGES]
        shape = rows.shape_of(node.name)
        row = rows.row_of.get(node.name)
        if row is None and len(data) == 1 and data[0] in owner:
            row = owner[data[0]]
            row = row if shape == layers[row].output_shape else None
        if row is not None and shape:
            owner[node.name] = row
            if not rows.has_channels_last(node.name):
                last[row] = Visible(layers[row], node.name, shape)
    return tuple(last[row] for row in sorted(last) if layers[row].kind not in _NOT_SHOWN)


@dataclass(frozen=True)
class Activation:
    """The output of one layer for one picture: float32 of shape (channels, height, width) or (units,)."""

    layer: Layer
    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Prediction:
    """A model's prediction for a picture: ten probabilities, the 28x28 digit as the model saw it, the picture small and
    gray.

    Where the picture could not be read, `problem` says what was expected, what was found and what to try.
    """

    picture: str
    probabilities: tuple[float, ...] = ()
    digit: bytes = b""
    thumbnail: bytes = b""
    thumbnail_width: int = 0
    activations: tuple[Activation, ...] = ()
    problem: tuple[str, str, str] | None = None

    @property
    def guesses(self) -> tuple[int, ...]:
        """The classes from the most to the least probable."""
        return tuple(sorted(range(len(self.probabilities)), key=lambda c: (-self.probabilities[c], c)))
