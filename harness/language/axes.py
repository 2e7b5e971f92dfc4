"""Which axes of its first input each operator mixes: a result depends on others along them."""

from __future__ import annotations

from harness.language.shapes import Attributes, Shapes

Axes = frozenset[int]


def none(_: Shapes, __: Attributes) -> Axes:
    """Each number is computed alone."""
    return frozenset()


def one(_: Shapes, attributes: Attributes) -> Axes:
    """The attribute `axis`."""
    return frozenset([attributes["axis"]])


def several(_: Shapes, attributes: Attributes) -> Axes:
    """The attribute `axes`."""
    return frozenset(attributes["axes"])


def padded(_: Shapes, attributes: Attributes) -> Axes:
    """The axes that become longer."""
    return frozenset(axis for axis, pads in enumerate(attributes["pads"]) if any(pads))


def repeated(_: Shapes, attributes: Attributes) -> Axes:
    """The axes that are repeated."""
    return frozenset(axis for axis, times in enumerate(attributes["repeats"]) if times != 1)


def sliced(shapes: Shapes, attributes: Attributes) -> Axes:
    """The axis, unless all of it is taken."""
    axis = attributes["axis"]
    is_whole = (attributes["start"], attributes["end"], attributes["step"]) == (0, shapes[0][axis], 1)
    return frozenset() if is_whole else frozenset([axis])


def channels_and_space(shapes: Shapes, _: Attributes) -> Axes:
    """All but the first."""
    return frozenset(range(1, len(shapes[0])))


def space(shapes: Shapes, _: Attributes) -> Axes:
    """All but the first two."""
    return frozenset(range(2, len(shapes[0])))


def channels(_: Shapes, __: Attributes) -> Axes:
    """The second."""
    return frozenset([1])


def normalized(shapes: Shapes, attributes: Attributes) -> Axes:
    """The attribute `axis` and those after it."""
    return frozenset(range(attributes["axis"], len(shapes[0])))


def of_batch_statistics(shapes: Shapes, attributes: Attributes) -> Axes:
    """In training, all but the channels."""
    return frozenset(range(len(shapes[0]))) - {1} if attributes["training"] else frozenset()
