"""Images with their channels last, as TensorFlow has them, and channels first, as the language has them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.artifact.reading import other_arguments
from harness.artifact.tensorflow.making import Item, Making
from harness.language.graph import Value
from harness.language.sizes import Dimension

FIRST = ("NCHW", "NCDHW")
FORMATS = ("NHWC", "NCHW")


def channels_first(making: Making, item: Item, data_format: str) -> Value:
    """Images as (N, channels, sizes)."""
    value = making.value(item)
    if data_format in FIRST:
        return value
    return making.transpose(value, (0, value.rank - 1, *range(1, value.rank - 1)))


def as_before(making: Making, value: Value, data_format: str) -> Value:
    """Images that are channels first as they were given."""
    return value if data_format in FIRST else making.transpose(value, (0, *range(2, value.rank), 1))


def kernel_first(making: Making, item: Item) -> Value:
    """Filters (sizes, inputs, outputs) as (outputs, inputs, sizes)."""
    value = making.value(item)
    return making.transpose(value, (value.rank - 1, value.rank - 2, *range(value.rank - 2)))


def of_space(making: Making, settings: Sequence[int], data_format: str) -> tuple[int, ...]:
    """Of one setting for each axis, those of the image. Raises ArtifactError where another is not 1."""
    space = slice(2, None) if data_format in FIRST else slice(1, -1)
    rest = [*settings]
    del rest[space]
    if rest != [1, 1]:
        raise other_arguments(making.node.operator)
    return tuple(settings[space])


def pads_of(
    making: Making,
    sizes: Sequence[Dimension],
    kernel: Sequence[Dimension],
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: str,
) -> list[tuple[int, int]]:
    """What is added before and after each axis of an image: nothing for VALID; for SAME what makes ceil(size / stride)
    windows, the larger half after it."""
    if padding != "SAME":
        return [(0, 0)] * len(sizes)
    pads: list[tuple[int, int]] = []
    for size, width, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        if not isinstance(size, int) or not isinstance(width, int):
            raise other_arguments(making.node.operator)
        total = max((-(-size // stride) - 1) * stride + dilation * (width - 1) + 1 - size, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def explicit_pads(making: Making, given: Sequence[int], data_format: str) -> list[tuple[int, int]]:
    """Pads that are given, two for each axis."""
    pairs = list(zip(given[::2], given[1::2], strict=True))
    space = slice(2, None) if data_format in FIRST else slice(1, -1)
    rest = [*pairs]
    del rest[space]
    if rest != [(0, 0), (0, 0)]:
        raise other_arguments(making.node.operator)
    return pairs[space]
