"""Raw TensorFlow nodes written by hand, and their translation: no framework is imported."""

from typing import Any

import numpy as np
import pytest
from tensorflow_graph import IMAGE, call, const, node, read

from harness.artifact.tensorflow.translator import translate
from harness.artifact.translation import Translation
from harness.language.interpreter import run
from harness.records.errors import ArtifactError
from harness.records.graph import Tensor, TensorKind

SHAPE = (28, 28, 1)
_KINDS = {"F": TensorKind.PARAMETER, "I": TensorKind.BUFFER}


def held(name: str, *shape: int, trainable: bool = True, dtype: str = "F32", kind: TensorKind | None = None) -> Tensor:
    """A tensor of the model; with a kind, one that is not trained."""
    chosen = kind or _KINDS[dtype[0]]
    return Tensor(name, chosen, trainable and chosen is TensorKind.PARAMETER, shape, dtype)


def statistic(name: str, *shape: int) -> Tensor:
    return held(name, *shape, kind=TensorKind.BUFFER)


def constant(name: str, *shape: int) -> Tensor:
    return held(name, *shape, kind=TensorKind.CONSTANT)


def number(value: float) -> dict[str, Any]:
    return const("float32", [], value)


def whole(value: int) -> dict[str, Any]:
    return const("int32", [], value)


def translated(
    nodes: list[dict[str, Any]], *tensors: Tensor, output: object = None, shape: tuple[int, ...] = SHAPE
) -> Translation:
    """The translation of these nodes, of which the last gives the output."""
    mode = {"nodes": nodes, "output": node(len(nodes) - 1) if output is None else output}
    return translate(mode, {tensor.name: tensor for tensor in tensors}, shape, is_training=True)


def operators(translation: Translation) -> list[str]:
    """The operators of a translation without transposes."""
    return [each.operator for each in translation.graph.nodes if each.operator != "Transpose"]


def only(translation: Translation, operator: str) -> Any:
    """The one node of an operator."""
    (found,) = [each for each in translation.graph.nodes if each.operator == operator]
    return found


def refused(nodes: list[dict[str, Any]], *tensors: Tensor, **others: Any) -> ArtifactError:
    with pytest.raises(ArtifactError) as caught:
        translated(nodes, *tensors, **others)
    return caught.value


def computed(translation: Translation, count: int = 3, **tensors: Any) -> np.ndarray:
    """The output for random images."""
    images = np.random.default_rng(count).random((count, *SHAPE))
    return run(translation.graph, {name: np.asarray(value) for name, value in tensors.items()}, images).output


def pictures(count: int = 3) -> np.ndarray:
    """The images that `computed` takes."""
    return np.random.default_rng(count).random((count, *SHAPE))


def convolution(*names: str) -> list[dict[str, Any]]:
    """A convolution of the images with the filters, and a bias, of these names."""
    first = [read(names[0]), call("Conv2D", IMAGE, node(0), strides=[1, 1, 1, 1], padding="VALID")]
    return [*first, read(names[1]), call("BiasAdd", node(1), node(2))] if len(names) > 1 else first


class Nodes(list):
    """Nodes that are written one after the other; each gives a reference to its result."""

    def __call__(self, operator, *arguments, **attributes):
        self.append(call(operator, *arguments, **attributes))
        return node(len(self) - 1)

    def read(self, name):
        self.append(read(name))
        return node(len(self) - 1)
