"""The output of each operation of an audited TensorFlow graph for a few images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import safetensors.numpy

from harness.backends.base import Activations, Floats, Note, Reader
from harness.backends.tensorflow.imported import tf
from harness.backends.tensorflow.replay import Graph, layouts_of, use_one_thread


def activations(graph: bytes, weights: bytes, images: Floats, names: Sequence[str]) -> Activations:
    """The first result of each named operation of the evaluation graph, (count, ...), channels first."""
    found: Activations = {}
    reader(graph, weights, names)(images, found.__setitem__)
    return found


def reader(graph: bytes, weights: bytes, names: Sequence[str]) -> Reader:
    """The same for images that come in batches."""
    use_one_thread()
    content = json.loads(graph)
    model = Graph(content, safetensors.numpy.load(weights), seed=0)
    layouts = layouts_of(content["eval"]["nodes"], model.input_shape)

    def read(images: Floats, note: Note) -> None:
        def of_node(index: int, results: list[Any]) -> None:
            if f"n{index}" in names:
                values = np.asarray(tf.cast(results[0], tf.float32))
                is_channels_last = values.ndim == 4 and layouts[index] is False
                note(f"n{index}", np.moveaxis(values, 3, 1) if is_channels_last else values)

        model.run("eval", tf.constant(images), of_node)

    return read
