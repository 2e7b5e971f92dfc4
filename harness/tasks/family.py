"""The LeNet-5 family: convolutions with pooling, then dense layers. From settings to the source of a model. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.framework import Framework
from harness.words.base import words_of

SIDE, CLASSES = 28, 10
ACTIVATIONS, POOLS, PADDINGS = ("relu", "tanh", "sigmoid"), ("max", "average"), ("same", "valid")


class DoesNotFit(ValueError):
    """The settings shrink the image to nothing; the message says where."""


@dataclass(frozen=True)
class Member:
    """One model of the family. `kernel`, `padding` and `pooling` have a value for each convolution; pooling windows do
    not overlap, and 1 means none."""

    kernel: tuple[int, ...] = (5, 5)
    filters: tuple[int, ...] = (6, 16)
    padding: tuple[str, ...] = ("same", "valid")
    pooling: tuple[int, ...] = (2, 2)
    pool: str = "max"
    hidden: tuple[int, ...] = (120, 84)
    activation: str = "relu"

    def blocks(self) -> Iterator[tuple[int, int, str, int]]:
        """Kernel, filters, padding and pooling of each convolution."""
        return zip(self.kernel, self.filters, self.padding, self.pooling, strict=True)

    def features(self) -> int:
        """How many numbers the first dense layer reads. Raises DoesNotFit."""
        side = SIDE
        for number, (kernel, _, padding, pooling) in enumerate(self.blocks(), 1):
            if padding == "valid" and kernel > side:
                raise _too_large("convolution", number, kernel, side)
            side -= kernel - 1 if padding == "valid" else 0
            if pooling > side:
                raise _too_large("pooling", number, pooling, side)
            side //= pooling
        return side * side * (self.filters[-1] if self.filters else 1)


def _too_large(kind: str, number: int, size: int, side: int) -> DoesNotFit:
    return DoesNotFit(f"{kind} {number} of {size}x{size} does not fit its {side}x{side} input")


def source(member: Member, framework: Framework) -> str:
    """A `model.py` that builds the model. Raises DoesNotFit where there is none."""
    features, words, channels = member.features(), words_of(framework), 1
    lines: list[str] = []
    for kernel, filters, padding, pooling in member.blocks():
        lines += words.convolution(channels, filters, kernel, f'padding="{padding}"', member.activation)
        lines += [words.pooling(member.pool, pooling)] if pooling > 1 else []
        channels = filters
    lines.append(words.FLATTEN)
    for units in member.hidden:
        lines += words.dense(features, units, member.activation)
        features = units
    return words.model([*lines, *words.dense(features, CLASSES)])


def label(field: str, value: object) -> str:
    """A setting in words: `5x5`, `6, 16`, `none`; values that are the same for every convolution are given once."""
    if not isinstance(value, tuple):
        return str(value)
    texts = [f"{item}x{item}" if field in ("kernel", "pooling") else str(item) for item in value]
    if field in ("kernel", "pooling") and len(set(texts)) == 1:
        return texts[0]
    return ", ".join(texts) or "none"
